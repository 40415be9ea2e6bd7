"""Vowpal Wabbit from its cache: sparse rows, one a step.

`--sgd` with `--power_t 0` is plain descent at a constant rate. Three things differ from the others. It reads its rows from
a cache file, in the order of the data in every pass: it cannot shuffle. Its time for an epoch is that of a run of so many
passes and one more, less that of a run of one pass, so that starting and finishing do not count. Its intercept is a
feature like any other and shares the place of one of the 2^18.
"""

import contest
import numpy as np
import time
import vowpalwabbit

CONSTANT = 11650396  # the number of the feature that is always 1


class FromCache:
    note = "not shuffled: it reads its cache in the order of the data"

    def __init__(self, rows, lr, batch):
        self.rows, self.lr = rows, lr
        folder = contest.ARGUMENTS.data / "vw"
        folder.mkdir(exist_ok=True)
        self.cache = folder / f"{rows.name}-{rows.n_rows}.cache"
        if not self.cache.exists():
            text = self.cache.with_suffix(".txt")
            with text.open("w") as out:
                for y, indices, values in zip(rows.y.tolist(), rows.indices.tolist(), rows.values.tolist()):
                    features = " ".join(f"{index}:{value:.9g}" for index, value in zip(indices, values))
                    out.write(f"{1 if y else -1} | {features}\n")
            self.descend(1, f"-d {text} -k ")
            text.unlink()

    def descend(self, passes, source=""):
        start = time.perf_counter()
        workspace = vowpalwabbit.Workspace(
            f"{source}--cache_file {self.cache} --passes {passes} --holdout_off -b 18 --loss_function logistic "
            f"--sgd --power_t 0 -l {self.lr} --quiet"
        )
        workspace.finish()
        return workspace, time.perf_counter() - start

    def epoch(self, rng):
        self.workspace, _ = self.descend(1)

    def reset(self):
        pass

    def epochs(self, n_epochs):
        """Seconds of each of so many epochs, all the same."""
        _, one = self.descend(1)
        _, more = self.descend(1 + n_epochs)
        self.workspace = vowpalwabbit.Workspace(
            f"--cache_file {self.cache} --passes {n_epochs} --holdout_off -b 18 --loss_function logistic "
            f"--sgd --power_t 0 -l {self.lr} --quiet"
        )
        return [(more - one) / n_epochs] * n_epochs

    def theta(self):
        weight = np.array([self.workspace.get_weight(index) for index in range(self.rows.n_features)], np.float32)
        # The constant's weight stays in its place too: rows that have a value there see both.
        return [(weight[None], weight[None, CONSTANT % self.rows.n_features])]


def variants(case, batch):
    return {"--sgd": FromCache} if case["nonzeros"] and batch == "1" else {}


contest.run("vowpal wabbit", variants, {"vowpalwabbit": vowpalwabbit.__version__})
