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
      {name, kind: "time", mean, std, year, day, weekdays, marks_missing}
                                                             days since 1970 like a number; sine and cosine of 2 pi times the
                                                             share of the year, and of the day; 1 on each of weekdays
      {name, kind: "hashed", bits, words, marks_missing}     2**bits features: 1 in that of the hash; of words and pairs of
                                                             words, plus or minus 1 each, the row then of length 1
      {kind: "product", factors: [{name, kind, ...}, ...]}   feature i of the first times feature j of the second, j fastest
      {kind: "pair", columns: [name, name], encoding}        both texts, U+001F between, as a category or hashed
    A number has `max_abs` (value / max_abs) or neither where it is not standardised, and `powers` of what it then is:
    (z**exponent - mean) / std each. A missing number, boolean or time is its mean; marks_missing adds a last feature, 1
    where the value is missing. The hash is FNV-1a of the UTF-8 text, 64 bits, finalised as MurmurHash3 does; its lowest
    bits are the feature, its highest is a minus.
    A regression's prediction is score * std + mean of the target; classes stand in the order of the outputs.

And of the predictions: a header, one line a row, the column `prediction` (a number, or a class by its name), and for
classes with probabilities one column `probability_NAME` a class. A column that this script cannot repeat is an error.
"""

import csv
import datetime
import json
import re
import sys

import numpy as np
from safetensors import safe_open

TOLERANCE = 1e-5
MISSING = {"", "NA", "null"}
MASK = (1 << 64) - 1
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


def hash_of(text):
    h = 0xCBF29CE484222325
    for byte in text.encode():
        h = (h ^ byte) * 0x100000001B3 & MASK
    h = (h ^ h >> 33) * 0xFF51AFD7ED558CCD & MASK
    h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53 & MASK
    return h ^ h >> 33


def scaled(entry, values):
    """Numbers on the scale of their column, the missing ones (NaN) its mean."""
    values = np.where(np.isnan(values), entry["mean"], values)
    if entry.get("std") is not None:
        return (values - entry["mean"]) / entry["std"]
    return values / (entry.get("max_abs") or 1.0)


def at_places(places, n_features):
    """Rows of zeros with a 1 at a place, or with none where it is None."""
    rows = np.zeros((len(places), n_features))
    for row, place in enumerate(places):
        if place is not None:
            rows[row, place] = 1
    return rows


def hashed_words(texts, bits):
    rows = np.zeros((len(texts), 1 << bits))
    for row, text in enumerate(texts):
        words = re.findall(r"[^\W_]+", text.lower())
        for token in words + [f"{left} {right}" for left, right in zip(words, words[1:])]:
            h = hash_of(token)
            rows[row, h % (1 << bits)] += -1 if h >> 63 else 1
    return rows / np.maximum(np.sqrt((rows**2).sum(axis=1, keepdims=True)), 1e-300)


def calendar(entry, texts):
    """What a time is besides elapsed: the rounds of year and day, and the weekdays; 0 where it is missing."""
    rows = []
    for text in texts:
        row = []
        time = None if text in MISSING else datetime.datetime.fromisoformat(text)
        for part in ("year", "day"):
            if entry[part] and time:
                start = time.replace(hour=0, minute=0, second=0, microsecond=0)
                end = start + datetime.timedelta(days=1)
                if part == "year":
                    start, end = (datetime.datetime(time.year + years, 1, 1) for years in (0, 1))
                angle = 2 * np.pi * ((time - start) / (end - start))
                row += [np.sin(angle), np.cos(angle)]
            elif entry[part]:
                row += [0.0, 0.0]
        rows.append(row + [float(time is not None and time.weekday() == day) for day in entry["weekdays"]])
    return np.array(rows).reshape(len(texts), -1)


def features(entry, texts):
    """The features of one column, without the mark of missing values."""
    kind = entry["kind"]
    missing = [text in MISSING for text in texts]
    if kind == "category":
        places = {level: place for place, level in enumerate(entry["levels"])}
        return at_places([None if gone else places.get(text) for text, gone in zip(texts, missing)], len(places))
    if kind == "hashed" and entry["words"]:
        return hashed_words(["" if gone else text for text, gone in zip(texts, missing)], entry["bits"])
    if kind == "hashed":
        size = 1 << entry["bits"]
        return at_places([None if gone else hash_of(text) % size for text, gone in zip(texts, missing)], size)
    if kind == "time":
        day = lambda text: (datetime.datetime.fromisoformat(text) - datetime.datetime(1970, 1, 1)) / datetime.timedelta(days=1)
        days = np.array([np.nan if gone else day(text) for text, gone in zip(texts, missing)])
        return np.hstack([scaled(entry, days)[:, None], calendar(entry, texts)])
    if kind in ("number", "boolean"):
        to_number = BOOLEANS.get if kind == "boolean" else float
        values = np.array([np.nan if gone else to_number(text.lower()) for text, gone in zip(texts, missing)], dtype=np.float64)
        z = scaled(entry, values)
        powers = [(z ** power["exponent"] - power["mean"]) / power["std"] for power in entry.get("powers", [])]
        return np.stack([z, *powers], axis=1)
    raise Mismatch(f"column {entry.get('name')}: unknown kind {kind!r}")


def encode(preprocessing, table):
    """The model's inputs, (n_rows, n_features): the one place that knows the preprocessing."""
    columns = []
    for entry in preprocessing["inputs"]:
        kind = entry["kind"]
        if kind == "product":
            left, right = (features(factor, table[factor["name"]]) for factor in entry["factors"])
            columns.append((left[:, :, None] * right[:, None, :]).reshape(len(left), -1))
            continue
        if kind == "pair":
            join = lambda left, right: "" if left in MISSING or right in MISSING else f"{left}\x1f{right}"
            texts = [join(*pair) for pair in zip(*(table[name] for name in entry["columns"]))]
            entry = entry["encoding"]
        else:
            texts = table[entry["name"]]
        if kind != "presence":
            columns.append(features(entry, texts))
        if kind == "presence" or entry["marks_missing"]:
            columns.append(np.array([[text in MISSING] for text in texts], dtype=np.float64))
    return np.hstack(columns)


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
