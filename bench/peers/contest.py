"""What do all peers have in common?

A peer is a script that ends in

    contest.run("name", variants, versions)

`variants(case, batch)` gives the ways in which the peer can do a case at a batch size, by name: functions that take
(rows: contest.Rows, lr, batch) and return a learner. A learner has

    epoch(rng)   one pass over its rows, shuffled by the numpy generator where it is not a full batch
    reset()      back to the start
    theta()      its parameters: [(weight (out, in), bias (out)), ...] as arrays
    epochs(n)    only where epochs cannot be timed one by one: does n and returns the seconds of each
    compiles     True where the first epoch on new shapes takes long and says nothing
    note         only where something differs from what all others do

The script says that it is ready, and then reads one request a line from standard input and answers each with one line of JSON:

    {"case": "L", "batch": "32", "budget": 3.0}

The first request at a batch size chooses: every variant runs on a growing number of rows until that takes a tenth of a
second, and the fastest a row is kept. If the timed epochs would take longer than the budget, only the first rows are
used, in all that follows. An epoch to warm up comes first (what it compiles or allocates is not timed), then everything
is back at the start and the epochs are timed one by one. The final loss is computed here, from theta, over the rows used,
in float64.

Inside the clock: drawing the permutation, gathering rows, gradients, updates. Outside: reading the arrays, turning them
into what the library wants to hold, compiling, and the loss over all rows. A peer need not compute the loss of each
batch; Downslope does.
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

CASES = json.loads((Path(__file__).parent.parent / "cases.json").read_text())
PROBE_SECONDS = 0.1


def arguments():
    """Read before numpy is imported: thread pools are made at the first import."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--variant", help="only the variants with this in their name")
    return parser.parse_args()


ARGUMENTS = arguments()
# Some systems choose an old kernel of OpenBLAS for everybody; a benchmark wants the best.
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "GOMP_CPU_AFFINITY", "OMP_PROC_BIND", "OMP_WAIT_POLICY"):
    os.environ.pop(name, None)
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(ARGUMENTS.threads)
if ARGUMENTS.threads == 1 and hasattr(os, "sched_setaffinity"):
    # For libraries that count cores themselves (XLA). The last core: the first one often serves interrupts.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

import numpy as np  # noqa: E402


class Rows:
    """The first rows of a case's arrays."""

    def __init__(self, name, n_rows=None):
        self.name, self.case = name, CASES[name]
        folder = ARGUMENTS.data / self.case["data"]
        self.n_rows = n_rows or self.case["rows"]
        read = lambda file, dtype, width: np.fromfile(folder / file, dtype, self.n_rows * width)
        self.y = read("y.f32", "<f4", 1)
        self.n_features, self.n_outputs = self.case["features"], self.case["outputs"]
        self.nonzeros = self.case["nonzeros"]
        if self.nonzeros:
            shape = (self.n_rows, self.nonzeros)
            self.indices = read("indices.u32", "<i4", self.nonzeros).reshape(shape)
            self.values = read("values.f32", "<f4", self.nonzeros).reshape(shape)
        else:
            self.x = read("x.f32", "<f4", self.n_features).reshape(self.n_rows, self.n_features)

    def head(self, n_rows):
        """A view of fewer rows."""
        part = object.__new__(Rows)
        part.__dict__.update(self.__dict__)
        part.n_rows = n_rows
        for name in ("y", "x", "indices", "values"):
            if hasattr(self, name):
                setattr(part, name, getattr(self, name)[:n_rows])
        return part

    def csr(self):
        import scipy.sparse

        starts = np.arange(self.n_rows + 1, dtype=np.int32) * self.nonzeros
        parts = (self.values.ravel(), self.indices.ravel(), starts)
        return scipy.sparse.csr_matrix(parts, (self.n_rows, self.n_features))

    def start(self):
        """The first parameters: zeros for linear models, a file for the others."""
        widths = [self.n_features, *self.case["hidden"], self.n_outputs]
        shapes = list(zip(widths[1:], widths[:-1]))
        if not self.case["hidden"]:
            return [(np.zeros(shape, np.float32), np.zeros(shape[0], np.float32)) for shape in shapes]
        flat = np.fromfile(ARGUMENTS.data / self.case["data"] / f"theta-{self.name}.f32", "<f4")
        layers, at = [], 0
        for out, into in shapes:
            weight = flat[at : at + out * into].reshape(out, into).copy()
            bias = flat[at + out * into : at + out * into + out].copy()
            layers.append((weight, bias))
            at += out * into + out
        return layers

    def mean_loss(self, theta):
        """Mean loss over the rows, in float64 from the scores on."""
        total = 0.0
        for first in range(0, self.n_rows, 8192):
            part = slice(first, first + 8192)
            if self.nonzeros:
                scores = (theta[0][0].ravel()[self.indices[part]].astype(np.float64) * self.values[part]).sum(1)
                scores = (scores + theta[0][1])[:, None]
            else:
                scores = self.x[part]
                for number, (weight, bias) in enumerate(theta):
                    scores = (np.maximum(scores, 0) if number else scores) @ weight.T + bias
            scores, y = scores.astype(np.float64), self.y[part]
            if self.case["loss"] == "logistic":
                total += (np.logaddexp(0, scores[:, 0]) - y * scores[:, 0]).sum()
            else:
                largest = scores.max(1, keepdims=True)
                normaliser = largest[:, 0] + np.log(np.exp(scores - largest).sum(1))
                total += (normaliser - scores[np.arange(len(y)), y.astype(int)]).sum()
        return total / self.n_rows


def batches(order, batch):
    """An order cut into batches; the last may be short."""
    return [order[first : first + batch] for first in range(0, len(order), batch)]


def seconds(learner, rng):
    start = time.perf_counter()
    learner.epoch(rng)
    return time.perf_counter() - start


class Contestant:
    """A peer at one batch size, its variant and its number of rows chosen."""

    def __init__(self, variants, rows, batch, budget):
        pace = rows.case["batches"][batch]
        self.lr, self.epochs, self.batch = pace["lr"], pace["epochs"], batch
        self.rng = np.random.default_rng(0)
        n_rows = min(pace.get("rows") or rows.n_rows, rows.n_rows)
        self.rows = rows.head(n_rows)
        if not variants:
            raise NotImplementedError
        probed, self.refused = {}, {}
        for name, make in variants.items():
            if ARGUMENTS.variant and ARGUMENTS.variant not in name:
                continue
            try:
                probed[name] = self.probe(make)
            except Exception as error:  # A variant that does not work here is told, and another taken.
                self.refused[name] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        if not probed:
            raise RuntimeError(f"no variant works: {self.refused}")
        self.probed = probed
        self.variant = min(probed, key=probed.get)
        if batch != "full":
            affordable = int(budget / ((self.epochs + 1) * probed[self.variant]))
            # Round numbers are often the same for several peers, and then one run of ours is enough to compare with.
            affordable -= affordable % 10 ** (len(str(affordable)) - 1)
            whole = max(int(batch), affordable // int(batch) * int(batch))
            self.rows = rows.head(min(n_rows, whole))
        self.learner = variants[self.variant](self.rows, self.lr, self.size(self.rows))
        self.learner.epoch(self.rng)

    def size(self, rows):
        return rows.n_rows if self.batch == "full" else min(int(self.batch), rows.n_rows)

    def probe(self, make):
        """Seconds a row, of as many rows as take a moment."""
        n_rows = self.rows.n_rows if self.batch == "full" else min(self.rows.n_rows, max(64, 4 * int(self.batch)))
        while True:
            rows = self.rows.head(n_rows)
            learner = make(rows, self.lr, self.size(rows))
            took = seconds(learner, self.rng)
            if took < 1 or getattr(learner, "compiles", False):
                took = seconds(learner, self.rng)
            if took > PROBE_SECONDS or n_rows == self.rows.n_rows:
                return took / n_rows
            n_rows = min(self.rows.n_rows, n_rows * 8)

    def run(self):
        self.learner.reset()
        if hasattr(self.learner, "epochs"):
            times = self.learner.epochs(self.epochs)
        else:
            times = [seconds(self.learner, self.rng) for _ in range(self.epochs)]
        theta = [(np.asarray(weight), np.asarray(bias)) for weight, bias in self.learner.theta()]
        return {
            "rows": self.rows.n_rows,
            "threads": ARGUMENTS.threads,
            "variant": self.variant,
            "ns_per_row": 1e9 * statistics.median(times) / self.rows.n_rows,
            "loss": float(self.rows.mean_loss(theta)),
            "epoch_seconds": times,
            "probed_ns": {name: round(1e9 * value, 1) for name, value in self.probed.items()},
            "refused": self.refused,
            "note": getattr(self.learner, "note", None),
        }


def run(peer, variants, versions):
    """Answers requests until there are no more."""
    tables, contestants = {}, {}
    # Libraries print to standard output at times; answers go to what it was.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        case, batch = request["case"], request["batch"]
        answer = {"peer": peer, "case": case, "batch": batch, "versions": versions}
        try:
            if case not in tables:
                contestants.clear()
                tables.clear()
                tables[case] = Rows(case)
            if (case, batch) not in contestants:
                ways = variants(CASES[case], batch)
                contestants[case, batch] = Contestant(ways, tables[case], batch, request.get("budget", 3.0))
            answer |= contestants[case, batch].run()
        except NotImplementedError:
            answer |= {"absent": True}
        except Exception as error:
            answer |= {"failed": f"{type(error).__name__}: {error}"[:400]}
        if request.get("last"):
            contestants.pop((case, batch), None)
        print(json.dumps(answer), file=answers, flush=True)
