"""Makes keras.json, gru.keras and gru.h5: small models of Keras with seeded weights, their config, their weights under the names of each kind of
file, an input and what Keras makes of it. Run with Keras 3 and h5py: python make-keras.py"""

import json
import os
import tempfile

os.environ.setdefault("KERAS_BACKEND", "jax")
import h5py
import keras
import numpy
from keras import layers

random = numpy.random.default_rng(8)


def names_in(path):
    """Every array of an HDF5 file by its name."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def dump(model, x):
    weights = [weight for weight in model.weights if "seed" not in weight.path]
    for weight in weights:
        values = random.normal(size=weight.shape) * 0.5
        weight.assign(numpy.abs(values) + 0.3 if "variance" in weight.path else values)
    with tempfile.TemporaryDirectory() as folder:
        model.save_weights(f"{folder}/new.weights.h5")
        model.save(f"{folder}/old.h5")
        new, old = names_in(f"{folder}/new.weights.h5"), names_in(f"{folder}/old.h5")
    arrays = []
    for weight in weights:
        value = numpy.asarray(weight)
        same = lambda files: [name for name, array in files.items() if numpy.array_equal(array, value)]
        (numbered,), (grouped,) = same(new), same(old)
        data = [float(one) for one in value.ravel()]
        names = {"path": weight.path, "numbered": numbered, "grouped": grouped}
        arrays.append({"names": names, "shape": list(value.shape), "data": data})
    y = numpy.asarray(model(x))
    config = json.loads(model.to_json())
    for key in ("compile_config", "build_config"):
        config.pop(key, None)
    return {
        "config": config,
        "arrays": arrays,
        "x": {"shape": list(x.shape), "data": [float(one) for one in x.ravel()]},
        "y": {"shape": list(y.shape), "data": [float(one) for one in y.ravel()]},
    }


def stack(first, *others):
    return keras.Sequential([first, *others])


floats = random.normal(size=(2, 5, 3)).astype("float32")
ids = random.integers(0, 7, size=(2, 5)).astype("int32")
numbers = lambda: keras.Input((None, 3))
steps = {"return_sequences": True}

entrance = numbers()
left = layers.LSTM(4, name="left", **steps)(entrance)
right = layers.GRU(4, name="right", **steps)(entrance)
both = layers.Concatenate()([layers.Add()([left, right]), right])
graph = keras.Model(entrance, layers.Dense(2, name="out")(both))

models = {
    "lstm": (
        stack(
            keras.Input((None,), dtype="int32"),
            layers.Embedding(7, 3),
            layers.LSTM(4, **steps),
            layers.LSTM(5, **steps),
            layers.Dense(2, activation="softmax"),
        ),
        ids,
    ),
    "gru": (
        stack(
            numbers(),
            layers.GRU(4, **steps),
            layers.GRU(5, reset_after=False, **steps),
            layers.Dense(6, activation="tanh"),
            layers.Dense(2),
        ),
        floats,
    ),
    "rnn": (stack(numbers(), layers.SimpleRNN(4, activation="relu", **steps), layers.Dropout(0.5), layers.Dense(2)), floats),
    "plain": (
        stack(numbers(), layers.LSTM(4, use_bias=False, **steps), layers.GRU(5, use_bias=False, **steps)),
        floats,
    ),
    "both": (
        stack(
            numbers(),
            layers.Bidirectional(layers.LSTM(4, **steps)),
            layers.LayerNormalization(),
            layers.Bidirectional(layers.GRU(3, recurrent_activation="hard_sigmoid", **steps)),
            layers.BatchNormalization(),
            layers.TimeDistributed(layers.Dense(2, activation="leaky_relu")),
        ),
        floats,
    ),
    "graph": (graph, floats),
}

made = {"keras_version": keras.__version__, "seed": 8}
here = os.path.dirname(os.path.abspath(__file__))
made["models"] = {name: dump(model, x) for name, (model, x) in models.items()}
for name in ("gru.keras", "gru.h5"):
    models["gru"][0].save(f"{here}/{name}")
with open(f"{here}/keras.json", "w") as file:
    json.dump(made, file, indent=None, separators=(",", ":"))
    file.write("\n")
