"""What does PyTorch do, step by step? Reference trajectories of torch.optim.SGD.

    torch_sgd.py make FOLDER    write torch_sgd.json (the same 45 kinds of cases, fresh data) and torch_extra.json
    torch_sgd.py check FILE...  run again each case of FILE from what it holds, and compare with what it recorded

A case holds everything its run needs, so `train` is a function of the case and serves both.
Plain PyTorch on purpose: float32, CPU, one thread, nothing that a reader of its manual would not write.
README.md says what the fields are. Needs torch and numpy.
"""

import json
import pathlib
import sys

import numpy as np
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

NOTE = (
    "losses[i] is the mean loss of batch i before update i; mean reduction; squared error has no one-half; "
    "weights are (out, in) row-major"
)
LINEAR_TASKS = {"squared": "regression", "huber": "regression", "absolute": "regression", "quantile": "regression",
                "poisson": "regression", "logistic": "binary", "hinge": "binary", "squared_hinge": "binary",
                "cross_entropy": "multiclass"}


def mean_loss(case, score, y):
    """Mean loss of a batch; targets of the hinges are 0/1 in the file and mapped to -1/+1 here."""
    args = case.get("loss_args") or {}
    margin = (2 * y - 1) * score if case["task"] == "binary" else None
    return {
        "squared": lambda: nn.functional.mse_loss(score, y),
        "absolute": lambda: nn.functional.l1_loss(score, y),
        "huber": lambda: nn.functional.huber_loss(score, y, delta=args.get("delta", 1.0)),
        "quantile": lambda: torch.maximum(args["tau"] * (y - score), (args["tau"] - 1) * (y - score)).mean(),
        "poisson": lambda: nn.functional.poisson_nll_loss(score, y, log_input=True, full=False),
        "logistic": lambda: nn.functional.binary_cross_entropy_with_logits(score, y),
        "hinge": lambda: torch.relu(1 - margin).mean(),
        "squared_hinge": lambda: torch.relu(1 - margin).square().mean(),
        "cross_entropy": lambda: nn.functional.cross_entropy(score, y),
    }[case["loss"]]()


def build(case):
    """nn.Sequential(Linear, activation, Linear, ...)."""
    sizes = [case["d"], *case["hidden"], case["classes"] or 1]
    activation = {"relu": nn.ReLU, "tanh": nn.Tanh, None: None}[case["activation"]]
    parts = []
    for fan_in, fan_out in zip(sizes, sizes[1:]):
        parts += [nn.Linear(fan_in, fan_out), activation() if activation else None]
    return nn.Sequential(*parts[:-1])


def parameters(model):
    return {name: value.detach().flatten().tolist() for name, value in model.named_parameters()}


def train(case):
    """Run the case; return what happened: losses, lrs, parameters after some steps, and momentums where they move."""
    model = build(case)
    with torch.no_grad():
        for name, value in model.named_parameters():
            value.copy_(torch.tensor(case["init"][name]).reshape(value.shape))
    x = torch.tensor(case["x"])
    y = torch.tensor(case["y"], dtype=torch.int64 if case["task"] == "multiclass" else torch.float32)

    def loss_of(rows):
        score = model(x[rows])
        return mean_loss(case, score if case["task"] == "multiclass" else score.squeeze(1), y[rows])

    sgd = torch.optim.SGD(model.parameters(), **case["sgd"])
    schedule = case["schedule"]
    scheduler = schedule and getattr(torch.optim.lr_scheduler, schedule["name"])(sgd, **schedule["args"])
    size = case["n"] if case["batch_size"] == "full" else case["batch_size"]
    losses, lrs, momentums, snapshots = [], [], [], {}
    for epoch in range(case["epochs"]):
        rows = case["orders"][epoch] if case["order"] == "given" else list(range(case["n"]))
        batches = [rows[i : i + size] for i in range(0, case["n"], size)]
        if case["drop_last"] and len(batches[-1]) < size:
            batches.pop()
        for batch in batches:
            sgd.zero_grad()
            loss = loss_of(batch)
            loss.backward()
            if case.get("clip"):
                clip = {"clip_grad_norm_": clip_grad_norm_, "clip_grad_value_": clip_grad_value_}[case["clip"]["name"]]
                clip(model.parameters(), **case["clip"]["args"])
            losses.append(loss.item())
            lrs.append(sgd.param_groups[0]["lr"])
            momentums.append(sgd.param_groups[0]["momentum"])
            sgd.step()
            snapshots[str(len(losses))] = parameters(model)
            if case["schedule_stepped"] == "per batch":
                scheduler.step()
        if case["schedule_stepped"] == "per epoch":
            if schedule["name"] == "ReduceLROnPlateau":
                with torch.no_grad():
                    scheduler.step(loss_of(list(range(case["n"]))).item())
            else:
                scheduler.step()
    kept = {"1", "2", "3", "10", "50", str(len(losses))}
    happened = {"losses": losses, "lrs": lrs if schedule else None}
    if len(set(momentums)) > 1:
        happened["momentums"] = momentums
    return happened | {"parameters_after_step": {step: p for step, p in snapshots.items() if step in kept}}


def make_case(rng, name, loss, sgd, batch_size, epochs, *, n=46, d=5, classes=None, hidden=(), activation=None,
              order="sequential", drop_last=False, schedule=None, stepped="per epoch", **extra):
    """Draw a problem, and train on it."""
    task = LINEAR_TASKS[loss]
    x = (rng.normal(size=(n, d)) * rng.uniform(0.5, 2, size=d)).round(4).astype(np.float32)
    score = x @ rng.normal(size=(d, classes or 1)) + rng.normal(size=(n, classes or 1)) + 0.5
    if task == "multiclass":
        y = score.argmax(1).tolist()
    elif task == "binary":
        y = (score[:, 0] > 0).astype(int).tolist()
    elif loss == "poisson":
        y = rng.poisson(np.exp(np.clip(score[:, 0] / 2, -3, 2))).astype(float).tolist()
    else:
        y = score[:, 0].round(4).astype(np.float32).tolist()
    case = {
        "name": name, "task": task, "loss": loss, "n": n, "d": d, "classes": classes,
        "hidden": list(hidden), "activation": activation, "x": x.tolist(), "y": y,
        "sgd": sgd, "batch_size": batch_size, "drop_last": drop_last, "epochs": epochs,
        "schedule": schedule, "schedule_stepped": stepped if schedule else None,
        "order": order, "orders": [rng.permutation(n).tolist() for _ in range(epochs)] if order == "given" else [],
    } | extra
    torch.manual_seed(int(rng.integers(2**31)))
    init = parameters(build(case))
    case["init"] = init if hidden else {part: [0.0] * len(values) for part, values in init.items()}
    return case | train(case)


def the_45(rng):
    """Six ways to walk for each of five losses; maximize; six networks; eight schedules."""
    lr, momentum = 0.0288, 0.81
    heavy = {"lr": lr, "momentum": momentum}
    for loss in ["squared", "huber", "absolute", "logistic", "cross_entropy"]:
        of = {"classes": 3 if loss == "cross_entropy" else None}
        nesterov, dampened = heavy | {"nesterov": True, "weight_decay": 0.01}, heavy | {"dampening": 0.3, "weight_decay": 0.05}
        yield make_case(rng, f"{loss}-full-plain", loss, {"lr": lr}, "full", 4, **of)
        yield make_case(rng, f"{loss}-8-plain", loss, {"lr": lr}, 8, 4, **of)
        yield make_case(rng, f"{loss}-1-plain", loss, {"lr": lr / 4}, 1, 4, **of)
        yield make_case(rng, f"{loss}-8-shuffled-drop_last-momentum", loss, heavy, 8, 4, order="given", drop_last=True, **of)
        yield make_case(rng, f"{loss}-8-nesterov-decay", loss, nesterov, 8, 4, order="given", **of)
        yield make_case(rng, f"{loss}-8-dampening", loss, dampened, 8, 4, **of)
    uphill = {"lr": 0.001, "maximize": True, "momentum": 0.5, "weight_decay": 0.1}
    yield make_case(rng, "squared-8-maximize-two-steps", "squared", uphill, 8, 1, n=16)
    for act in ["relu", "tanh"]:
        net = {"d": 6, "activation": act}
        nesterov = {"lr": 0.2, "nesterov": True, "momentum": momentum, "weight_decay": 0.001}
        yield make_case(rng, f"mlp-{act}-multiclass-16", "cross_entropy", {"lr": 0.1, "momentum": momentum}, 16, 6,
                        classes=4, hidden=[7, 5], order="given", **net)
        yield make_case(rng, f"mlp-{act}-regression-1", "squared", {"lr": 0.005}, 1, 3, hidden=[9], **net)
        yield make_case(rng, f"mlp-{act}-binary-full", "logistic", nesterov, "full", 25, hidden=[8], **net)
    for name, args in {
        "StepLR": {"step_size": 2, "gamma": 0.5}, "MultiStepLR": {"milestones": [1, 3], "gamma": 0.1},
        "ExponentialLR": {"gamma": 0.8}, "CosineAnnealingLR": {"T_max": 6, "eta_min": 0.001},
        "LinearLR": {"start_factor": 0.25, "total_iters": 3}, "PolynomialLR": {"total_iters": 5, "power": 2.0},
        "ReduceLROnPlateau": {"factor": 0.5, "patience": 1, "threshold": 0.05},
        "CosineAnnealingWarmRestarts": {"T_0": 3, "T_mult": 2},
    }.items():
        yield make_case(rng, f"schedule-{name}", "squared", heavy, 16, 6, schedule={"name": name, "args": args})


def the_extra(rng):
    """The other losses, clipping, the other schedules, and options that meet each other."""
    def case(name, loss, sgd, batch_size, epochs, *, loss_args=None, clip=None, n=24, d=4, **more):
        return make_case(rng, name, loss, sgd, batch_size, epochs, n=n, d=d, loss_args=loss_args or {}, clip=clip, **more)

    heavy = {"lr": 0.02, "momentum": 0.81}
    for loss, loss_args in [("hinge", {}), ("squared_hinge", {}), ("quantile", {"tau": 0.3}), ("poisson", {}), ("huber", {"delta": 0.5})]:
        yield case(f"{loss}-full-plain", loss, {"lr": 0.02}, "full", 5, loss_args=loss_args)
        yield case(f"{loss}-1-plain", loss, {"lr": 0.005}, 1, 3, loss_args=loss_args)
        yield case(f"{loss}-7-nesterov-decay-given", loss, heavy | {"nesterov": True, "weight_decay": 0.01}, 7, 4,
                   loss_args=loss_args, order="given")
        yield case(f"mlp-tanh-{loss}-5", loss, heavy, 5, 4, loss_args=loss_args, hidden=[6], activation="tanh", drop_last=True)
    for function, argument, limits in [("clip_grad_norm_", "max_norm", (4.0, 3.0, 0.5)),
                                       ("clip_grad_value_", "clip_value", (2.0, 4.0, 0.1))]:
        # Limits that some steps reach and others do not.
        clips = [{"name": function, "args": {argument: limit}} for limit in limits]
        kind = function.strip("_").replace("_grad_", "-")
        yield case(f"{kind}-squared-6", "squared", {"lr": 0.05}, 6, 5, clip=clips[0])
        yield case(f"{kind}-squared-1-momentum-decay", "squared", heavy | {"weight_decay": 0.01}, 1, 3, clip=clips[1])
        yield case(f"{kind}-mlp-relu-multiclass-8", "cross_entropy", {"lr": 0.5, "momentum": 0.5}, 8, 5, clip=clips[2],
                   classes=3, hidden=[6, 4], activation="relu", order="given")
    for suffix, args in {
        "momentum-cycles": {"cycle_momentum": True}, "momentum-stays": {"cycle_momentum": False},
        "linear-three-phase": {"cycle_momentum": True, "anneal_strategy": "linear", "three_phase": True, "pct_start": 0.4,
                               "base_momentum": 0.7, "max_momentum": 0.9, "div_factor": 10.0, "final_div_factor": 100.0},
    }.items():
        yield case(f"schedule-OneCycleLR-{suffix}", "squared", heavy, 8, 6, order="given", stepped="per batch",
                   schedule={"name": "OneCycleLR", "args": {"max_lr": 0.05, "total_steps": 18} | args})
    for suffix, name, args in [
        ("power-1", "PolynomialLR", {"total_iters": 5, "power": 1.0}),
        ("end-factor", "LinearLR", {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 4}),
        ("past-t-max", "CosineAnnealingLR", {"T_max": 3, "eta_min": 0.001}),
        ("eta-min", "CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 1, "eta_min": 0.002}),
        ("absolute-cooldown", "ReduceLROnPlateau", {"factor": 0.3, "patience": 0, "threshold": 0.5, "threshold_mode": "abs",
                                                    "cooldown": 1, "min_lr": 0.001}),
    ]:
        yield case(f"schedule-{name}-{suffix}", "squared", heavy, 8, 7, schedule={"name": name, "args": args})
    yield case("squared-8-nesterov-decay-maximize", "squared",
               {"lr": 0.001, "momentum": 0.7, "nesterov": True, "weight_decay": 0.1, "maximize": True}, 8, 2)
    yield case("hinge-8-dampening-decay-maximize", "hinge",
               {"lr": 0.002, "momentum": 0.7, "dampening": 0.2, "weight_decay": 0.1, "maximize": True}, 8, 2)


def write(path, cases):
    about = {"produced_by": f"torch {torch.__version__} CPU, float32, one thread", "note": NOTE, "cases": list(cases)}
    path.write_text(json.dumps(about, separators=(",", ":"), allow_nan=False) + "\n")
    print(f"{path}: {len(about['cases'])} cases, {path.stat().st_size} bytes")


def largest_difference(recorded, again):
    """Largest |a - b| / max(1, |a|) over two equally shaped values; infinite where the shapes differ."""
    if isinstance(recorded, dict) and isinstance(again, dict) and recorded.keys() == again.keys():
        return max((largest_difference(recorded[key], again[key]) for key in recorded), default=0.0)
    if isinstance(recorded, list) and isinstance(again, list) and len(recorded) == len(again):
        return max(map(largest_difference, recorded, again), default=0.0)
    if isinstance(recorded, (int, float)) and isinstance(again, (int, float)):
        return abs(recorded - again) / max(1.0, abs(recorded))
    return 0.0 if recorded is None and again is None else float("inf")


def check(path, tolerance=1e-5):
    """Other versions and processors round differently in the last bits, hence a tolerance."""
    worst = 0.0
    cases = json.loads(path.read_text())["cases"]
    for case in cases:
        difference = max(largest_difference(case[key], value) for key, value in train(case).items())
        worst = max(worst, difference)
        if not difference <= tolerance:
            print(f"{path}: {case['name']}: differs by {difference:.3g}")
    print(f"{path}: {len(cases)} cases run again, largest difference {worst:.3g}, allowed {tolerance:g}")
    return worst <= tolerance


def main(words):
    torch.set_num_threads(1)
    if len(words) == 2 and words[0] == "make":
        folder = pathlib.Path(words[1])
        folder.mkdir(parents=True, exist_ok=True)
        write(folder / "torch_sgd.json", the_45(np.random.default_rng(45)))
        write(folder / "torch_extra.json", the_extra(np.random.default_rng(46)))
        return 0
    if len(words) >= 2 and words[0] == "check":
        return 0 if all([check(pathlib.Path(word)) for word in words[1:]]) else 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
