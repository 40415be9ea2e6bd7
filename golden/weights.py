"""What do PyTorch and scikit-learn make of weighted rows? Losses, gradients, and where weighted descent ends.

    weights.py make FILE     write FILE
    weights.py check FILE    compute everything again and compare with what FILE holds

All in float64; data and parameters are multiples of 1/128, so that they are the same numbers in float32.
README.md says what the fields are. Needs torch, scikit-learn and numpy.
"""

import json
import pathlib
import sys

import numpy as np
import sklearn
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from torch import nn

CLASS_WEIGHTS = [0.25, 1.0, 3.5]


def sixty_fourths(generator, *shape):
    return np.round(64 * generator.standard_normal(shape)) / 64


def weighted_loss(loss, score, y, weight):
    """The weighted mean over all rows, by PyTorch's own means where it has them."""
    if loss == "cross-entropy":
        return nn.CrossEntropyLoss(weight=torch.tensor(CLASS_WEIGHTS, dtype=torch.float64))(score, y)
    of_rows = {
        "squared": lambda: nn.functional.mse_loss(score, y, reduction="none"),
        "logistic": lambda: nn.functional.binary_cross_entropy_with_logits(score, y, reduction="none"),
    }[loss]()
    return (weight * of_rows).sum() / weight.sum()


def slope(generator, loss, hidden):
    """Loss and gradient of a model over all rows."""
    n_rows, n_features = 12, 3
    x = sixty_fourths(generator, n_rows, n_features)
    y = {
        "squared": lambda: sixty_fourths(generator, n_rows),
        "logistic": lambda: generator.integers(0, 2, n_rows).astype(float),
        "cross-entropy": lambda: generator.permutation(np.arange(n_rows) % 3),
    }[loss]()
    weights = np.array(CLASS_WEIGHTS)[y] if loss == "cross-entropy" else generator.integers(0, 17, n_rows) / 4
    widths = [n_features, *hidden, 3 if loss == "cross-entropy" else 1]
    layers = []
    for inputs, outputs in zip(widths, widths[1:]):
        layers += [nn.Linear(inputs, outputs, dtype=torch.float64), nn.Tanh()]
    model = nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.tensor(sixty_fourths(generator, *parameter.shape) / 2))
    score = model(torch.tensor(x))
    score = score if loss == "cross-entropy" else score[:, 0]
    value = weighted_loss(loss, score, torch.tensor(y), torch.tensor(weights))
    value.backward()
    if loss == "logistic":
        p = torch.sigmoid(score).detach().numpy()
        assert abs(log_loss(y, p, sample_weight=weights) - value.item()) < 1e-12
    flat = lambda tensors: np.concatenate([tensor.detach().numpy().ravel() for tensor in tensors]).tolist()
    return {
        "loss": loss, "hidden": hidden, "x": x.tolist(), "y": y.tolist(), "weights": weights.tolist(),
        "theta": flat(model.parameters()), "value": value.item(),
        "gradient": flat(parameter.grad for parameter in model.parameters()),
    }


def optimum(generator):
    """Where logistic regression of two classes that weigh the same ends; one class is four times as frequent."""
    y = np.repeat([0, 1], [40, 10])
    x = sixty_fourths(generator, 50, 2) + y[:, None]
    fit = LogisticRegression(class_weight="balanced", C=np.inf, solver="newton-cholesky", tol=1e-12).fit(x, y)
    weights = np.where(y == 1, 50 / (2 * 10), 50 / (2 * 40))
    return {
        "x": x.tolist(), "y": y.tolist(), "theta": [*fit.coef_[0], fit.intercept_[0]],
        "value": log_loss(y, fit.predict_proba(x), sample_weight=weights),
    }


def optimum_of_rows(generator):
    """Where logistic regression ends whose rows weigh by themselves, on top of classes that weigh the same."""
    y = np.repeat([0, 1], [30, 20])
    x = sixty_fourths(generator, 50, 2) + y[:, None]
    of_rows = generator.integers(0, 9, 50) / 2
    weights = of_rows * np.where(y == 1, 50 / (2 * 20), 50 / (2 * 30))
    fit = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12).fit(x, y, sample_weight=weights)
    return {
        "x": x.tolist(), "y": y.tolist(), "weights": of_rows.tolist(), "theta": [*fit.coef_[0], fit.intercept_[0]],
        "value": log_loss(y, fit.predict_proba(x), sample_weight=weights),
    }


def compute():
    generator = np.random.default_rng(20)
    shapes = [(loss, hidden) for loss in ("squared", "logistic", "cross-entropy") for hidden in ([], [4])]
    return {
        "produced_by": f"torch {torch.__version__}, scikit-learn {sklearn.__version__}, float64",
        "slopes": [slope(generator, loss, hidden) for loss, hidden in shapes],
        "optimum": optimum(generator),
        "optimum_of_rows": optimum_of_rows(generator),
    }


def differ(found, expected):
    if isinstance(expected, dict):
        return any(differ(found[key], value) for key, value in expected.items() if key != "produced_by")
    if isinstance(expected, list):
        return len(found) != len(expected) or any(map(differ, found, expected))
    return found != expected if isinstance(expected, str) else abs(found - expected) > 1e-6


def main(verb, file):
    path = pathlib.Path(file)
    if verb == "make":
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in compute().items())
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    elif differ(compute(), json.loads(path.read_text())):
        sys.exit(f"{file}: not what torch and scikit-learn compute here")


if __name__ == "__main__":
    main(*sys.argv[1:])
