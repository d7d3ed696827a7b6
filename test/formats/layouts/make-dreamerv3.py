"""Makes dreamerv3.json: the recurrent core of DreamerV3 (Hafner et al. 2023, arXiv 2301.04104, and the block GRU of
danijar/dreamerv3, dreamerv3/rssm.py lines 76-79 and 135-159) with parameters from a seed under its names, inputs of two
episodes and the states that the equations give, in plain Python.

    python make-dreamerv3.py"""

import json
import math
import os
import random

source = random.Random(8)
T, N, DETER, HIDDEN, STOCH, ACTION, LAYERS = 7, 2, 6, 4, 5, 3, 2
D = DETER // N
sigmoid = lambda x: 1 / (1 + math.exp(-x))
draw = lambda *shape: (
    round(source.uniform(-1, 1) * 1024) / 1024 if not shape else [draw(*shape[1:]) for _ in range(shape[0])]
)
flat = lambda values: [one for value in values for one in flat(value)] if isinstance(values, list) else [values]
params = {}


def value(name, *shape):
    params[name] = {"shape": list(shape), "data": draw(*shape)}


for index, size in enumerate((DETER, STOCH, ACTION)):
    value(f"dyn/dynin{index}/kernel", size, HIDDEN)
    value(f"dyn/dynin{index}/bias", HIDDEN)
    value(f"dyn/dynin{index}norm/scale", HIDDEN)
for index in range(LAYERS):
    value(f"dyn/dynhid{index}/kernel", N, D + 3 * HIDDEN if index == 0 else D, D)
    value(f"dyn/dynhid{index}/bias", DETER)
    value(f"dyn/dynhid{index}norm/scale", DETER)
value("dyn/dyngru/kernel", N, D, 3 * D)
value("dyn/dyngru/bias", 3 * DETER)
value("dyn/prior0/kernel", DETER, HIDDEN)
value("enc/mlp0/kernel", 4, HIDDEN)
of = lambda name: params["dyn/" + name]["data"]


def linear(name, x):
    kernel, bias = of(name + "/kernel"), of(name + "/bias")
    return [bias[o] + sum(x[i] * kernel[i][o] for i in range(len(x))) for o in range(len(bias))]


def block_linear(name, blocks):
    """Each block of the input through a kernel of its own; the outputs stand one behind the other."""
    kernel, bias = of(name + "/kernel"), of(name + "/bias")
    y = [sum(x[i] * kernel[n][i][o] for i in range(len(x))) for n, x in enumerate(blocks) for o in range(len(kernel[n][0]))]
    return [a + b for a, b in zip(y, bias)]


def act(name, x):
    mean = sum(one * one for one in x) / len(x)
    x = [one / math.sqrt(mean + 1e-4) * scale for one, scale in zip(x, of(name + "norm/scale"))]
    return [one * sigmoid(one) for one in x]


def core(deter, stoch, action):
    action = [one / max(1, abs(one)) for one in action]
    e = [one for index, x in enumerate((deter, stoch, action)) for one in act(f"dynin{index}", linear(f"dynin{index}", x))]
    x = act("dynhid0", block_linear("dynhid0", [deter[n * D : n * D + D] + e for n in range(N)]))
    for index in range(1, LAYERS):
        x = act(f"dynhid{index}", block_linear(f"dynhid{index}", [x[n * D : n * D + D] for n in range(N)]))
    x = block_linear("dyngru", [x[n * D : n * D + D] for n in range(N)])
    new = []
    for n in range(N):
        for d in range(D):
            reset, cand, update = (x[n * 3 * D + gate * D + d] for gate in range(3))
            update = sigmoid(update - 1)
            new.append(update * math.tanh(sigmoid(reset) * cand) + (1 - update) * deter[n * D + d])
    return new


deter, inputs, states = [0.0] * DETER, [], []
for t in range(T):
    stoch, action, first = draw(STOCH), [2 * one for one in draw(ACTION)], 1 if t in (0, 4) else 0
    inputs.append(stoch + action + [first])
    keep = 0.0 if first else 1.0
    zero = lambda x: [keep * one for one in x]
    deter = core(zero(deter), zero(stoch), zero(action))
    states.append(deter)

made = {
    "seed": 8,
    "steps": T,
    "inputs": flat(inputs),
    "states": flat(states),
    "params": {name: {"shape": one["shape"], "data": flat(one["data"])} for name, one in params.items()},
}
with open(os.path.join(os.path.dirname(__file__), "dreamerv3.json"), "w") as file:
    json.dump(made, file, separators=(",", ":"))
    file.write("\n")
