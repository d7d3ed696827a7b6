#!/usr/bin/env python3
"""Makes projection.json: an LSTM with proj_size, in both directions and two layers, as PyTorch computes it, in f64.

    python3 test/formats/projection.py && npx biome format --write test/formats/projection.json

Made with torch 1.13, which is all it needs. Weights and inputs are multiples of 1/64 within [-1/2, 1/2), exact in f32.
"""

import json
import os

import torch
from torch import nn

SEED = 1712
STEPS, BATCH = 5, 2

generator = torch.Generator().manual_seed(SEED)


def draw(shape):
    return torch.randint(-32, 32, shape, generator=generator).double() / 64


def plain(tensor):
    return {"shape": list(tensor.shape), "data": tensor.flatten().tolist()}


with torch.no_grad():
    module = nn.LSTM(3, 6, num_layers=2, bidirectional=True, proj_size=2).double()
    for parameter in module.parameters():
        parameter.copy_(draw(parameter.shape))
    x = draw((STEPS, BATCH, 3))
    y, _ = module(x)

stored = {
    "seed": SEED,
    "tensors": {name: plain(tensor) for name, tensor in module.state_dict().items()},
    "x": plain(x),
    "y": {"shape": list(y.shape), "data": [float(f"{value:.9g}") for value in y.flatten().tolist()]},
}
with open(os.path.join(os.path.dirname(__file__), "projection.json"), "w") as file:
    json.dump(stored, file)
