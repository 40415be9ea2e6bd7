"""Can a saved model be repeated outside Rust?

    check_model.py [MODEL.safetensors DATA.csv PREDICTIONS.csv]...

Reads a model file, prepares the table as the file's metadata says, walks forward in float64, and compares with what
`downslope predict MODEL DATA` wrote, to 1e-5 of the larger of 1 and the value. Needs numpy and safetensors, nothing else.

What is asked of the model file, and all that this script knows of it:

    tensors             0.weight (out, in), 0.bias (out), 2.weight, 2.bias, ...: the names torch.nn.Sequential gives
    metadata downslope  JSON: {model: {hidden, activation, n_features, n_outputs}, loss, preprocessing}
    preprocessing       {features: [...], target: {column, classes}}; a feature is one of
                          {column, kind: "number", shift, scale}     (value - shift) / scale
                          {column, kind: "category", levels: [...]}  a 1 at the level's place, 0 elsewhere
                        in the order of the model's inputs; target.classes in the order of its outputs, null for a number

And of the predictions: a header, one line a row, the column `prediction` (a number, or a class by its name), and for
classes with probabilities one column `probability_NAME` a class. A column that this script cannot repeat is an error.
"""

import csv
import json
import sys

import numpy as np
from safetensors import safe_open

TOLERANCE = 1e-5


class Mismatch(Exception):
    """The files do not agree, with each other or with the contract above."""


def read_table(path):
    """Columns of a CSV file by name, as text."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))
    header, rows = rows[0], [row for row in rows[1:] if row]
    return {name: [row[place] for row in rows] for place, name in enumerate(header)}


def read_model(path):
    with safe_open(path, framework="numpy") as file:
        about = (file.metadata() or {}).get("downslope")
        if about is None:
            raise Mismatch(f"{path}: no metadata under the key `downslope`")
        return json.loads(about), {name: file.get_tensor(name).astype(np.float64) for name in file.keys()}


def encode(preprocessing, table):
    """The model's inputs, (n_rows, n_features): the one place that knows the preprocessing."""
    columns = []
    for feature in preprocessing["features"]:
        values = table[feature["column"]]
        if feature["kind"] == "number":
            columns.append((np.array(values, dtype=np.float64) - feature["shift"]) / feature["scale"])
        elif feature["kind"] == "category":
            columns += [np.array([float(value == level) for value in values]) for level in feature["levels"]]
        else:
            raise Mismatch(f"feature {feature['column']}: unknown kind {feature['kind']!r}")
    return np.stack(columns, axis=1)


def scores(model, tensors, x):
    """Dense layers with the activation between them, (n_rows, n_outputs)."""
    activation = {"relu": lambda a: np.maximum(a, 0), "tanh": np.tanh}
    sizes = [model["n_features"], *model["hidden"], model["n_outputs"]]
    names = [f"{2 * layer}.{part}" for layer in range(len(sizes) - 1) for part in ("weight", "bias")]
    if sorted(tensors) != sorted(names):
        raise Mismatch(f"tensors are {sorted(tensors)}, the architecture asks for {sorted(names)}")
    for layer, (fan_in, fan_out) in enumerate(zip(sizes, sizes[1:])):
        weight, bias = tensors[f"{2 * layer}.weight"], tensors[f"{2 * layer}.bias"]
        if weight.shape != (fan_out, fan_in) or bias.shape != (fan_out,):
            raise Mismatch(f"layer {layer} has weight {weight.shape} and bias {bias.shape}, not {fan_in} to {fan_out}")
        if layer > 0:
            x = activation[model["activation"]](x)
        x = x @ weight.T + bias
    return x


def expected_columns(about, score):
    """What `predict` should have written: names of columns with their values."""
    loss, classes = about["loss"].split("=")[0], about["preprocessing"]["target"]["classes"]
    if classes is None:
        return {"prediction": np.exp(score[:, 0]) if loss == "poisson" else score[:, 0]}
    if loss == "cross-entropy":
        powers = np.exp(score - score.max(axis=1, keepdims=True))
        probability = powers / powers.sum(axis=1, keepdims=True)
        best = score.argmax(axis=1)
    else:
        second = 1 / (1 + np.exp(-score[:, 0]))
        probability = np.stack([1 - second, second], axis=1) if loss == "logistic" else None
        best = (score[:, 0] > 0).astype(int)
    columns = {"prediction": [str(classes[place]) for place in best]}
    if probability is not None:
        columns |= {f"probability_{name}": probability[:, place] for place, name in enumerate(classes)}
    return columns


def compare(expected, found):
    """Largest difference; a class must agree by name."""
    if sorted(expected) != sorted(found):
        raise Mismatch(f"the predictions have the columns {sorted(found)}, expected {sorted(expected)}")
    worst = 0.0
    for name, values in expected.items():
        if len(values) != len(found[name]):
            raise Mismatch(f"{len(found[name])} predictions for {len(values)} rows")
        for row, (value, text) in enumerate(zip(values, found[name]), start=1):
            if isinstance(value, str):
                if value != text:
                    raise Mismatch(f"row {row}: {name} is {text}, the model file gives {value}")
                continue
            difference = abs(value - float(text)) / max(1.0, abs(value))
            if not difference <= TOLERANCE:
                raise Mismatch(f"row {row}: {name} is {text}, the model file gives {value:.9g}")
            worst = max(worst, difference)
    return worst


def check(model_path, data_path, predictions_path):
    about, tensors = read_model(model_path)
    x = encode(about["preprocessing"], read_table(data_path))
    if x.shape[1] != about["model"]["n_features"]:
        raise Mismatch(f"the preprocessing makes {x.shape[1]} features, the model takes {about['model']['n_features']}")
    worst = compare(expected_columns(about, scores(about["model"], tensors, x)), read_table(predictions_path))
    print(f"{model_path}: {x.shape[0]} predictions repeated, largest difference {worst:.2g}")


def main(paths):
    if not paths or len(paths) % 3:
        print(__doc__, file=sys.stderr)
        return 2
    for place in range(0, len(paths), 3):
        try:
            check(*paths[place : place + 3])
        except Mismatch as reason:
            print(f"{paths[place]}: {reason}", file=sys.stderr)
            return 1
        except KeyError as missing:
            print(f"{paths[place]}: the model file or the table has no {missing}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
