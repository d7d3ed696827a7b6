"""Makes flashrnn.json: for every function of FlashRNN (Pöppel et al. 2024, arXiv 2412.07752, section 3 and appendix) weights
from a seed, an input and its output, out of the equations alone, in plain Python:

    g = R y + W x + b for each gate and head;  lstm, slstm: gates i f z o;  gru: R g r z, W r z n, b g r z n;  elman: g

    python make-flashrnn.py"""

import json
import math
import os
import random

source = random.Random(8)
T, I, N, D = 6, 3, 2, 3
H = N * D
sigmoid = lambda x: 1 / (1 + math.exp(-x))
f32 = lambda x: round(x * 1024) / 1024


def draw(*shape):
    if len(shape) == 1:
        return [f32(source.uniform(-1, 1)) for _ in range(shape[0])]
    return [draw(*shape[1:]) for _ in range(shape[0])]


def flat(values):
    return [one for value in values for one in flat(value)] if isinstance(values, list) else [values]


def lstm(g, state):
    i, f, z, o = g
    c = sigmoid(f) * state["c"] + sigmoid(i) * math.tanh(z)
    return {"c": c, "y": sigmoid(o) * math.tanh(c)}


def slstm(g, state):
    i, f, z, o = g
    log_f = -math.log1p(math.exp(-f)) + state["m"]
    m = i if state["n"] == 0 else max(i, log_f)
    i, f = math.exp(i - m), math.exp(log_f - m)
    c, n = f * state["c"] + i * math.tanh(z), f * state["n"] + i
    return {"c": c, "n": n, "m": m, "y": sigmoid(o) * c / n}


def gru(g, state):
    inner, r, z, n = g
    z = sigmoid(z)
    return {"y": z * state["y"] + (1 - z) * math.tanh(n + sigmoid(r) * inner)}


def elman(g, state):
    return {"y": math.tanh(g[0])}


# Which gates R, W and b have, of those that the function takes.
cells = {
    "lstm": (lstm, [0, 1, 2, 3], [0, 1, 2, 3], 4),
    "slstm": (slstm, [0, 1, 2, 3], [0, 1, 2, 3], 4),
    "gru": (gru, [0, 1, 2], [1, 2, 3], 4),
    "elman": (elman, [0], [0], 1),
}


def run(name):
    cell, of_r, of_w, count = cells[name]
    R, W, b = draw(len(of_r), N, D, D), draw(len(of_w), N, D, I), draw(count, N, D)
    x = draw(T, I)
    state = [[{"y": 0, "c": 0, "n": 0, "m": 0} for _ in range(D)] for _ in range(N)]
    y = []
    for t in range(T):
        new = []
        for n in range(N):
            row = []
            for d in range(D):
                g = [b[k][n][d] for k in range(count)]
                for k, gate in enumerate(of_r):
                    g[gate] += sum(R[k][n][d][p] * state[n][p]["y"] for p in range(D))
                for k, gate in enumerate(of_w):
                    g[gate] += sum(W[k][n][d][i] * x[t][i] for i in range(I))
                row.append({**state[n][d], **cell(g, state[n][d])})
            new.append(row)
        state = new
        y.append([state[n][d]["y"] for n in range(N) for d in range(D)])
    tensor = lambda values, *shape: {"shape": list(shape), "data": flat(values)}
    return {
        "R": tensor(R, len(of_r), N, D, D),
        "W": tensor(W, len(of_w), N, D, I),
        "b": tensor(b, count, N, D),
        "x": tensor(x, T, I),
        "y": tensor(y, T, H),
    }


made = {"seed": 8, "models": {name: run(name) for name in cells}}
with open(os.path.join(os.path.dirname(__file__), "flashrnn.json"), "w") as file:
    json.dump(made, file, separators=(",", ":"))
    file.write("\n")
