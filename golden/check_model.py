"""Can a saved model be repeated outside Rust?

    check_model.py [MODEL.safetensors DATA.csv PREDICTIONS.csv]...

Reads a model file, prepares the table as the file's metadata says, walks forward in float64, and compares with what
`downslope predict MODEL DATA` wrote, to 1e-5 of the larger of 1 and the value. Needs numpy and safetensors, nothing else.

What is asked of the model file, and all that this script knows of it:

    tensors             0.weight (out, in), 0.bias (out), 2.weight, 2.bias, ...: the names torch.nn.Sequential gives
    metadata downslope  JSON: {model: {hidden, activation, n_features, n_outputs}, loss, preprocessing}
    preprocessing       {inputs: [...], target: {task, name, classes | mean, std}}, inputs in the order of their features:
      {name, kind: "number", mean, std, marks_missing}       (value - mean) / std; the value itself where std is null
      {name, kind: "boolean", mean, marks_missing}           0 or 1
      {name, kind: "category", levels, marks_missing}        a 1 at the level's place, 0 elsewhere
      {name, kind: "presence"}                               1 where the value is missing
    A missing number or boolean is its mean; marks_missing adds a last feature, 1 where the value is missing.
    A regression's prediction is score * std + mean of the target; classes stand in the order of the outputs.

And of the predictions: a header, one line a row, the column `prediction` (a number, or a class by its name), and for
classes with probabilities one column `probability_NAME` a class. A column that this script cannot repeat is an error.
"""

import csv
import json
import sys

import numpy as np
from safetensors import safe_open

TOLERANCE = 1e-5
MISSING = {"", "NA", "null"}
BOOLEANS = {"false": 0.0, "true": 1.0, "0": 0.0, "1": 1.0}


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
    for entry in preprocessing["inputs"]:
        texts, kind = table[entry["name"]], entry["kind"]
        missing = np.array([text in MISSING for text in texts])
        if kind == "category":
            columns += [np.array([text == level for text in texts]) & ~missing for level in entry["levels"]]
        elif kind in ("number", "boolean"):
            to_number = BOOLEANS.get if kind == "boolean" else float
            values = np.array([entry["mean"] if text in MISSING else to_number(text.lower()) for text in texts], dtype=np.float64)
            std = entry.get("std")
            columns.append(values if std is None else (values - entry["mean"]) / std)
        elif kind != "presence":
            raise Mismatch(f"column {entry['name']}: unknown kind {kind!r}")
        if kind == "presence" or entry["marks_missing"]:
            columns.append(missing)
    return np.stack(columns, axis=1).astype(np.float64)


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
    loss, target = about["loss"].split("=")[0], about["preprocessing"]["target"]
    if target["task"] == "regression":
        return {"prediction": np.exp(score[:, 0]) if loss == "poisson" else score[:, 0] * target["std"] + target["mean"]}
    classes = target["classes"]
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
