"""Makes xlstm.json: a language model of two sLSTM blocks (Beck et al. 2024, arXiv 2405.04517, section 2.2, appendix A.3 and
figure 10) with weights from a seed, under the names and in the orders in which both backends of the xlstm package keep
them, ids and the logits that the equations give, in plain Python.

    python make-xlstm.py"""

import json
import math
import os
import random

source = random.Random(8)
T, V, N, D, K, F = 7, 5, 2, 3, 4, 4
E = N * D
GATES = "ifzo"
# xlstm/blocks/slstm/layer.py lines 144-153: which module feeds the slot of a gate.
MODULES = {"i": "fgate", "f": "igate", "z": "zgate", "o": "ogate"}
sigmoid = lambda x: 1 / (1 + math.exp(-x))
draw = lambda *shape: (
    round(source.uniform(-1, 1) * 1024) / 1024 if not shape else [draw(*shape[1:]) for _ in range(shape[0])]
)
flat = lambda values: [one for value in values for one in flat(value)] if isinstance(values, list) else [values]
product = lambda matrix, x: [sum(a * b for a, b in zip(row, x)) for row in matrix]
plus = lambda a, b: [x + y for x, y in zip(a, b)]


def normalise(x, stored, groups=1):
    width = len(x) // groups
    y = []
    for k, value in enumerate(x):
        group = x[k // width * width : k // width * width + width]
        mean = sum(group) / width
        variance = sum((each - mean) ** 2 for each in group) / width
        y.append((value - mean) / math.sqrt(variance + 1e-5) * (1 + stored[k]))
    return y


def block():
    return {
        "xlstm_norm": draw(E),
        "conv": draw(E, K),
        "conv_bias": draw(E),
        **{module: draw(N, D, D) for module in MODULES.values()},
        "R": {gate: draw(N, D, D) for gate in GATES},  # head, unit that takes, unit that gives
        "b": {gate: draw(N, D) for gate in GATES},
        "group_norm": draw(E),
        "ffn_norm": draw(E),
        "proj_up": draw(2 * F, E),
        "proj_down": draw(E, F),
    }


def layer(w, xs):
    ys, y, state = [], [0.0] * E, [{"c": 0, "n": 0, "m": 0} for _ in range(E)]
    for t, x in enumerate(xs):
        past = [xs[t - K + 1 + j] if t - K + 1 + j >= 0 else [0.0] * E for j in range(K)]
        conv = [w["conv_bias"][e] + sum(w["conv"][e][j] * past[j][e] for j in range(K)) for e in range(E)]
        conv = [value * sigmoid(value) for value in conv]
        read = {"i": conv, "f": conv, "z": x, "o": x}
        new = []
        for n in range(N):
            for d in range(D):
                raw = {}
                for gate in GATES:
                    head = read[gate][n * D : n * D + D]
                    raw[gate] = w["b"][gate][n][d]
                    raw[gate] += sum(a * b for a, b in zip(w[MODULES[gate]][n][d], head))
                    raw[gate] += sum(a * b for a, b in zip(w["R"][gate][n][d], y[n * D : n * D + D]))
                unit = state[n * D + d]
                log_f = unit["m"] - math.log1p(math.exp(-raw["f"]))
                m = raw["i"] if unit["n"] == 0 else max(raw["i"], log_f)
                i, f = math.exp(raw["i"] - m), math.exp(log_f - m)
                unit.update(c=f * unit["c"] + i * math.tanh(raw["z"]), n=f * unit["n"] + i, m=m)
                new.append(sigmoid(raw["o"]) * unit["c"] / unit["n"])
        y = new
        ys.append(normalise(y, w["group_norm"], N))
    return ys


def run(model, ids):
    xs = [model["embedding"][id] for id in ids]
    for w in model["blocks"]:
        xs = [plus(x, y) for x, y in zip(xs, layer(w, [normalise(x, w["xlstm_norm"]) for x in xs]))]
        for t, x in enumerate(xs):
            both = product(w["proj_up"], normalise(x, w["ffn_norm"]))
            inner = [gate * sigmoid(gate) * up for gate, up in zip(both[:F], both[F:])]
            xs[t] = plus(x, product(w["proj_down"], inner))
    return [product(model["head"], normalise(x, model["post"])) for x in xs]


def tensors(model, backend):
    made = {}

    def put(name, values, *shape):
        made[name] = {"shape": list(shape), "data": flat(values)}

    put("token_embedding.weight", model["embedding"], V, E)
    put("lm_head.weight", model["head"], V, E)
    put("xlstm_block_stack.post_blocks_norm.weight", model["post"], E)
    for index, w in enumerate(model["blocks"]):
        at = f"xlstm_block_stack.blocks.{index}."
        put(at + "xlstm_norm.weight", w["xlstm_norm"], E)
        put(at + "xlstm.conv1d.conv.weight", w["conv"], E, 1, K)
        put(at + "xlstm.conv1d.conv.bias", w["conv_bias"], E)
        for module in MODULES.values():
            put(at + f"xlstm.{module}.weight", w[module], N, D, D)
        R, b, cell = w["R"], w["b"], at + "xlstm.slstm_cell."
        if backend == "vanilla":
            kernel = [[[R[g][n][d][p] for p in range(D)] for g in GATES for d in range(D)] for n in range(N)]
            put(cell + "_recurrent_kernel_", kernel, N, 4 * D, D)
            put(cell + "_bias_", [b[g][n] for g in GATES for n in range(N)], 4 * E)
        else:
            kernel = [[[R[g][n][d][p] for g in GATES for d in range(D)] for p in range(D)] for n in range(N)]
            put(cell + "_recurrent_kernel_", kernel, N, D, 4 * D)
            put(cell + "_bias_", [b[g][n] for n in range(N) for g in GATES], 4 * E)
        put(at + "xlstm.group_norm.weight", w["group_norm"], E)
        put(at + "ffn_norm.weight", w["ffn_norm"], E)
        put(at + "ffn.proj_up.weight", w["proj_up"], 2 * F, E)
        put(at + "ffn.proj_down.weight", w["proj_down"], E, F)
    return made


model = {"embedding": draw(V, E), "head": draw(V, E), "post": draw(E), "blocks": [block(), block()]}
ids = [source.randrange(V) for _ in range(T)]
made = {
    "seed": 8,
    "ids": ids,
    "logits": flat(run(model, ids)),
    "tensors": {backend: tensors(model, backend) for backend in ("vanilla", "cuda")},
}
with open(os.path.join(os.path.dirname(__file__), "xlstm.json"), "w") as file:
    json.dump(made, file, separators=(",", ":"))
    file.write("\n")
