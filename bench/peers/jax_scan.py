"""JAX: an epoch is one compiled `lax.scan` over its batches.

The permutation is numpy's, drawn inside the clock: `jax.random.permutation` sorts, and takes longer. Gradients of dense
models come from `jax.grad`, with weights as (out, in) or as (in, out), and by hand where there is one layer: which of
these XLA makes the best of differs by a factor of three. Those of sparse rows are written by hand, because the derivative of a gather is an array of
zeros as long as theta. A last short batch is a step of its own after the scan.
"""

import contest
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def mean_loss(layers, x, y, is_logistic, out_in):
    scores = x
    for number, (weight, bias) in enumerate(layers):
        inputs = jax.nn.relu(scores) if number else scores
        scores = inputs @ (weight.T if out_in else weight) + bias
    if is_logistic:
        scores = scores[:, 0]
        return jnp.mean(jax.nn.softplus(scores) - y * scores)
    chosen = jnp.take_along_axis(scores, y[:, None], axis=1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(scores, axis=1) - chosen)


class Scan:
    """`step(theta, arrays of the batch)` scanned over an epoch."""

    gathers_first = False
    out_in = True

    def __init__(self, rows, lr, batch):
        self.rows, self.lr, self.batch = rows, lr, batch
        self.is_logistic = rows.case["loss"] == "logistic"
        self.arrays = tuple(jnp.asarray(array) for array in self.load(rows))
        self.reset()
        order = jnp.zeros(rows.n_rows, jnp.int32)
        whole = jax.jit(self.whole, donate_argnums=0)
        shuffled = jax.jit(self.shuffled, donate_argnums=0)
        if batch == rows.n_rows:
            self.compiled = whole.lower(self.layers, self.arrays).compile()
        else:
            self.compiled = shuffled.lower(self.layers, self.arrays, order).compile()

    def load(self, rows):
        return rows.x, rows.y if self.is_logistic else rows.y.astype(np.int32)

    def reset(self):
        turned = lambda weight: weight if self.out_in else weight.T
        start = self.rows.start()
        self.layers = [(jnp.array(turned(weight)), jnp.array(bias)) for weight, bias in start]

    def theta(self):
        turned = lambda weight: weight if self.out_in else weight.T
        return [(turned(np.asarray(weight)), np.asarray(bias)) for weight, bias in self.layers]

    def epoch(self, rng):
        if self.batch == self.rows.n_rows:
            self.layers = self.compiled(self.layers, self.arrays)
        else:
            order = rng.permutation(np.arange(self.rows.n_rows, dtype=np.int32))
            self.layers = self.compiled(self.layers, self.arrays, jnp.asarray(order))
        jax.block_until_ready(self.layers)

    def whole(self, theta, arrays):
        return self.step(theta, arrays)

    def shuffled(self, theta, arrays, order):
        n_whole = self.rows.n_rows // self.batch
        scanned = order[: n_whole * self.batch].reshape(n_whole, self.batch)
        gather = lambda chosen: tuple(array[chosen] for array in arrays)
        if self.gathers_first:
            theta, _ = lax.scan(lambda theta, batch: (self.step(theta, batch), None), theta, gather(scanned))
        else:
            theta, _ = lax.scan(lambda theta, chosen: (self.step(theta, gather(chosen)), None), theta, scanned)
        if n_whole * self.batch < self.rows.n_rows:
            theta = self.step(theta, gather(order[n_whole * self.batch :]))
        return theta

    def step(self, theta, arrays):
        gradient = jax.grad(mean_loss)(theta, *arrays, self.is_logistic, self.out_in)
        return jax.tree.map(lambda value, slope: value - self.lr * slope, theta, gradient)


class GatherFirst(Scan):
    """All rows are brought into the order of the epoch before the scan."""

    gathers_first = True


class InOut(Scan):
    """Weights as (in, out)."""

    out_in = False


class Softmax(Scan):
    """One layer, the gradient by hand, scores as (classes, rows)."""

    def step(self, theta, arrays):
        (weight, bias), (x, y) = theta[0], arrays
        shares = jax.nn.softmax(weight @ x.T + bias[:, None], axis=0)
        delta = (shares - jax.nn.one_hot(y, len(bias), axis=0)) * (self.lr / len(y))
        return [(weight - delta @ x, bias - delta.sum(1))]


class Vectors(Scan):
    """One score, and the gradient by hand: products with vectors."""

    def load(self, rows):
        return rows.x, rows.y

    def reset(self):
        self.layers = (jnp.zeros(self.rows.n_features, jnp.float32), jnp.zeros((), jnp.float32))

    def theta(self):
        weight, bias = self.layers
        return [(np.asarray(weight)[None], np.asarray(bias)[None])]

    def step(self, theta, arrays):
        (weight, bias), (x, y) = theta, arrays
        delta = (jax.nn.sigmoid(x @ weight + bias) - y) * (self.lr / len(y))
        return weight - delta @ x, bias - delta.sum()


class VectorsGatherFirst(Vectors):
    """The same, all rows gathered before the scan."""

    gathers_first = True


class Elementwise(Vectors):
    """The same with sums of products that XLA fuses, instead of calls to a matrix product."""

    def step(self, theta, arrays):
        (weight, bias), (x, y) = theta, arrays
        delta = (jax.nn.sigmoid((x * weight).sum(1) + bias) - y) * (self.lr / len(y))
        return weight - (delta[:, None] * x).sum(0), bias - delta.sum()


class Sparse(Vectors):
    """Rows of equal length as two matrices; the step scatters into theta where it stands."""

    def load(self, rows):
        return rows.indices, rows.values, rows.y

    def step(self, theta, arrays):
        (weight, bias), (indices, values, y) = theta, arrays
        delta = (jax.nn.sigmoid((weight[indices] * values).sum(1) + bias) - y) * (self.lr / len(y))
        return weight.at[indices].add(-delta[:, None] * values), bias - delta.sum()


class SparseGatherFirst(Sparse):
    """The same, all rows gathered before the scan."""

    gathers_first = True


def variants(case, batch):
    shuffled = batch != "full"
    if case["nonzeros"]:
        return {"scatter": Sparse} | ({"scatter, gathered first": SparseGatherFirst} if shuffled else {})
    ways = {"grad": Scan, "grad, (in, out)": InOut}
    ways |= {"grad, gathered first": GatherFirst} if shuffled else {}
    ways |= {"by hand": Softmax} if case["loss"] == "cross-entropy" and not case["hidden"] else {}
    if case["outputs"] == 1 and not case["hidden"]:
        ways |= {"by hand": Vectors, "by hand, elementwise": Elementwise}
        ways |= {"by hand, gathered first": VectorsGatherFirst} if shuffled else {}
    return ways


contest.run("jax", variants, {"jax": jax.__version__})
