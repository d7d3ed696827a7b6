"""PyTorch's side of `npm run bench:train`: a process that reads one JSON request a line and answers with one.

    {"call": "open", "name": …, "weights": path, "spec": …, "x": ids [T·B], "targets": [T·B], "steps": T, "batch": B,
     "optimizer": "sgd" | "adam", "rate": …, "clip": … | null, "dropout": …, "tie": …}
    {"call": "loss", "name": …}         loss of the batch, nothing left out
    {"call": "gradients", "name": …}    the same with the gradient of every tensor, in the layout of the file
    {"call": "steps", "name": …, "count": …}   that many updates: ms of each, by this process's clock, and the losses
    {"call": "close", "name": …}

A layer of N blocks is N nn.LSTM of H / N units, each of which reads the whole input, and their outputs side by side.
"""

import json
import os
import struct
import sys
import time

import torch
from torch import nn
from torch.nn import functional


def read_safetensors(path):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        values = torch.frombuffer(data, dtype=torch.float32, count=(end - begin) // 4, offset=8 + length + begin)
        tensors[name] = values.reshape(entry["shape"]).clone()
    return tensors


def block_rows(tensor, blocks, block):
    """Rows g·H + n·D + i of block n, as the rows of a layer of D units."""
    rows = tensor.reshape(4, blocks, -1, *tensor.shape[1:])[:, block]
    return rows.reshape(-1, *tensor.shape[1:])


def join_rows(tensors):
    """The way back."""
    gates = torch.stack([tensor.reshape(4, -1, *tensor.shape[1:]) for tensor in tensors], 1)
    return gates.reshape(-1, *tensors[0].shape[1:])


FIELDS = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]


class Blocks(nn.Module):
    def __init__(self, spec, tensors):
        super().__init__()
        self.name = spec["name"]
        self.blocks = spec.get("blocks", 1)
        units = spec["hiddenSize"] // self.blocks
        self.lstms = nn.ModuleList(nn.LSTM(spec["inputSize"], units) for _ in range(self.blocks))
        with torch.no_grad():
            for block, lstm in enumerate(self.lstms):
                for field in FIELDS:
                    rows = block_rows(tensors[f"{self.name}.{field}"], self.blocks, block)
                    getattr(lstm, f"{field}_l0").copy_(rows)

    def forward(self, x):
        if self.blocks == 1:
            return self.lstms[0](x)[0]
        return torch.cat([lstm(x)[0] for lstm in self.lstms], -1)

    def gradients(self):
        for field in FIELDS:
            yield f"{self.name}.{field}", join_rows([getattr(lstm, f"{field}_l0").grad for lstm in self.lstms])


class Model(nn.Module):
    """Embedding, LSTM layers, linear layer; dropout behind all but the last."""

    def __init__(self, request):
        super().__init__()
        first, *lstms, last = request["spec"]["layers"]
        tensors = read_safetensors(request["weights"])
        self.names = (first["name"], last["name"])
        self.tie = request["tie"]
        self.embedding = nn.Embedding(first["count"], first["size"])
        self.lstms = nn.ModuleList(Blocks(layer, tensors) for layer in lstms)
        self.linear = nn.Linear(last["inputSize"], last["outputSize"])
        self.dropout = nn.Dropout(request["dropout"])
        with torch.no_grad():
            self.embedding.weight.copy_(tensors[f"{first['name']}.weight"])
            self.linear.weight.copy_(tensors[f"{last['name']}.weight"])
            self.linear.bias.copy_(tensors[f"{last['name']}.bias"])
        if self.tie:
            self.linear.weight = self.embedding.weight

    def forward(self, x):
        y = self.dropout(self.embedding(x))
        for lstm in self.lstms:
            y = self.dropout(lstm(y))
        return self.linear(y)

    def gradients(self):
        yield f"{self.names[0]}.weight", self.embedding.weight.grad
        for lstm in self.lstms:
            yield from lstm.gradients()
        yield f"{self.names[1]}.weight", self.linear.weight.grad
        yield f"{self.names[1]}.bias", self.linear.bias.grad


class Training:
    def __init__(self, request):
        shape = (request["steps"], request["batch"])
        self.x = torch.tensor(request["x"]).reshape(shape)
        self.targets = torch.tensor(request["targets"])
        self.clip = request["clip"]
        self.model = Model(request)
        kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[request["optimizer"]]
        self.optimizer = kind(self.model.parameters(), lr=request["rate"])

    def loss_of(self):
        logits = self.model(self.x)
        return functional.cross_entropy(logits.reshape(len(self.targets), -1), self.targets)

    def loss(self, _request):
        self.model.eval()
        with torch.no_grad():
            return {"loss": self.loss_of().item()}

    def gradients(self, _request):
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss_of()
        loss.backward()
        return {
            "loss": loss.item(),
            "gradients": {name: tensor.flatten().tolist() for name, tensor in self.model.gradients()},
        }

    def steps(self, request):
        self.model.train()
        times = []
        losses = []
        for _ in range(request["count"]):
            start = time.perf_counter()
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.loss_of()
            loss.backward()
            if self.clip is not None:
                nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
            self.optimizer.step()
            losses.append(loss.item())
            times.append((time.perf_counter() - start) * 1000)
        return {"times": times, "losses": losses}


def blas():
    try:
        with open("/proc/self/maps", encoding="utf8") as maps:
            return "OpenBLAS" if "openblas" in maps.read() else "another BLAS"
    except OSError:
        return "an unknown BLAS"


def main():
    torch.set_num_threads(int(sys.argv[1]))
    # What a library may print goes elsewhere: answers alone stand on stdout.
    answers = os.fdopen(os.dup(1), "w", encoding="utf8")
    os.dup2(2, 1)

    def answer(value):
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    answer({"version": torch.__version__, "blas": blas(), "threads": torch.get_num_threads()})
    trainings = {}
    for line in sys.stdin:
        request = json.loads(line)
        name = request["name"]
        if request["call"] == "open":
            trainings[name] = Training(request)
            answer({})
        elif request["call"] == "close":
            del trainings[name]
            answer({})
        else:
            answer(getattr(trainings[name], request["call"])(request))


main()
