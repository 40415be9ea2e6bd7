"""numpy, its products by BLAS, sparse rows also by scipy: what one writes who knows numpy well."""

import math

import contest
import numpy as np
import scipy
import scipy.sparse


def sigmoid(scores):
    # An exponential that overflows is infinite, and its inverse 0, as it should be.
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-scores))


class Dense:
    """Any number of layers, batches gathered into one buffer."""

    def __init__(self, rows, lr, batch):
        self.rows, self.lr, self.batch = rows, np.float32(lr), batch
        self.is_logistic = rows.case["loss"] == "logistic"
        self.classes = rows.y.astype(np.int64)
        self.buffer = np.empty((batch, rows.n_features), np.float32)
        self.places = np.arange(batch)
        self.reset()

    def reset(self):
        self.layers = self.rows.start()

    def theta(self):
        return self.layers

    def epoch(self, rng):
        rows = self.rows
        if self.batch == rows.n_rows:
            return self.step(rows.x, slice(None))
        for chosen in contest.batches(rng.permutation(rows.n_rows), self.batch):
            # Without a mode, `take` checks every index in a copy of its own.
            self.step(np.take(rows.x, chosen, axis=0, out=self.buffer[: len(chosen)], mode="clip"), chosen)

    def step(self, x, chosen):
        inputs = [x]
        for number, (weight, bias) in enumerate(self.layers):
            scores = inputs[-1] @ weight.T
            scores += bias
            if number + 1 < len(self.layers):
                np.maximum(scores, 0, out=scores)
                inputs.append(scores)
        n_rows = len(x)
        if self.is_logistic:
            delta = sigmoid(scores)
            delta[:, 0] -= self.rows.y[chosen]
        else:
            scores -= scores.max(1, keepdims=True)
            delta = np.exp(scores, out=scores)
            delta /= delta.sum(1, keepdims=True)
            delta[self.places[:n_rows], self.classes[chosen]] -= 1
        delta *= self.lr / n_rows
        for (weight, bias), given in zip(reversed(self.layers), reversed(inputs)):
            gradient = delta.T @ given
            bias_gradient = delta.sum(0)
            if given is not x:
                delta = delta @ weight
                delta *= given > 0
            weight -= gradient
            bias -= bias_gradient


class OneScore:
    """Logistic regression with vectors instead of matrices of one column."""

    def __init__(self, rows, lr, batch):
        self.rows, self.lr, self.batch = rows, lr, batch
        self.buffer = np.empty((batch, rows.n_features), np.float32)
        self.reset()

    def reset(self):
        self.w, self.b = np.zeros(self.rows.n_features, np.float32), np.float32(0)

    def theta(self):
        return [(self.w[None], np.array([self.b]))]

    def epoch(self, rng):
        rows = self.rows
        if self.batch == rows.n_rows:
            return self.step(rows.x, rows.y)
        order = rng.permutation(rows.n_rows)
        if self.batch == 1:
            return self.one_by_one(order)
        for chosen in contest.batches(order, self.batch):
            x = np.take(rows.x, chosen, axis=0, out=self.buffer[: len(chosen)], mode="clip")
            self.step(x, rows.y[chosen])

    def step(self, x, y):
        delta = sigmoid(x @ self.w + self.b)
        delta -= y
        delta *= np.float32(self.lr / len(y))
        self.w -= delta @ x
        self.b -= delta.sum()

    def one_by_one(self, order):
        x, w, b, lr = self.rows.x, self.w, 0.0, self.lr
        b = float(self.b)
        for i, y in zip(order.tolist(), self.rows.y[order].tolist()):
            row = x[i]
            step = lr * (1 / (1 + math.exp(-(float(row.dot(w)) + b))) - y)
            w -= np.float32(step) * row
            b -= step
        self.b = np.float32(b)


class Padded(OneScore):
    """Sparse rows of equal length as two matrices: weights are gathered, and scattered by `bincount` or `subtract.at`."""

    def __init__(self, rows, lr, batch):
        self.rows, self.lr, self.batch = rows, lr, batch
        self.reset()

    def epoch(self, rng):
        rows = self.rows
        if self.batch == rows.n_rows:
            return self.step(rows.indices, rows.values, rows.y)
        for chosen in contest.batches(rng.permutation(rows.n_rows), self.batch):
            self.step(rows.indices[chosen], rows.values[chosen], rows.y[chosen])

    def step(self, indices, values, y):
        delta = sigmoid(np.einsum("ij,ij->i", self.w[indices], values) + self.b)
        delta -= y
        delta *= np.float32(self.lr / len(y))
        np.subtract.at(self.w, indices.ravel(), (delta[:, None] * values).ravel())
        self.b -= delta.sum()


class Compressed(OneScore):
    """Sparse rows as scipy's CSR; the whole weight vector is written in every step."""

    def __init__(self, rows, lr, batch):
        self.rows, self.lr, self.batch = rows, lr, batch
        self.x = rows.csr()
        self.reset()

    def epoch(self, rng):
        rows = self.rows
        if self.batch == rows.n_rows:
            return self.step(self.x, rows.y)
        for chosen in contest.batches(rng.permutation(rows.n_rows), self.batch):
            self.step(self.x[chosen], rows.y[chosen])

    def step(self, x, y):
        delta = sigmoid(x @ self.w + self.b)
        delta -= y
        delta *= np.float32(self.lr / len(y))
        self.w -= x.T @ delta
        self.b -= delta.sum()


class Both(Compressed):
    """A full batch with the transposed table kept as well, so that both products read rows."""

    def __init__(self, rows, lr, batch):
        super().__init__(rows, lr, batch)
        self.transposed = self.x.T.tocsr()

    def step(self, x, y):
        delta = sigmoid(x @ self.w + self.b)
        delta -= y
        delta *= np.float32(self.lr / len(y))
        self.w -= self.transposed @ delta
        self.b -= delta.sum()


def variants(case, batch):
    if case["nonzeros"]:
        ways = {"padded": Padded, "csr": Compressed}
        return ways | {"csr and csc": Both} if batch == "full" else ways
    if case["outputs"] == 1 and not case["hidden"]:
        return {"vectors": OneScore}
    return {"matrices": Dense}


contest.run("numpy", variants, {"numpy": np.__version__, "scipy": scipy.__version__})
