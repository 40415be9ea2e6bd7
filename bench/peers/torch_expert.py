"""PyTorch by an expert: batches indexed by hand, gradients by hand or by autograd, whichever is faster.

Variants: gradients written by hand under `inference_mode`; autograd with `torch.optim.SGD(foreach=True)` or `fused=True`;
the hand-written step through `torch.compile`, which is tried at batch sizes of 256 and more (compiling takes half a
minute, and below that its guards alone cost more than the step).
"""

import math

import contest
import torch
import torch.nn.functional as F

torch.set_num_threads(contest.ARGUMENTS.threads)


class ByHand:
    """Any number of layers; the products add onto the parameters where they stand."""

    def __init__(self, rows, lr, batch):
        self.rows, self.lr, self.batch = rows, lr, batch
        self.is_logistic = rows.case["loss"] == "logistic"
        self.load(rows)
        self.y = torch.from_numpy(rows.y) if self.is_logistic else torch.from_numpy(rows.y).long()
        self.reset()

    def load(self, rows):
        self.x = torch.from_numpy(rows.x)

    def reset(self):
        self.layers = [(torch.from_numpy(weight), torch.from_numpy(bias)) for weight, bias in self.rows.start()]

    def theta(self):
        return [(weight.detach().numpy(), bias.detach().numpy()) for weight, bias in self.layers]

    @torch.inference_mode()
    def epoch(self, rng):
        if self.batch == self.rows.n_rows:
            return self.step(self.x, self.y)
        # One gather an epoch would need the table twice; one a batch leaves the rows in the cache for the products.
        for chosen in torch.randperm(self.rows.n_rows).split(self.batch):
            self.step(self.x.index_select(0, chosen), self.y.index_select(0, chosen))

    def step(self, x, y):
        inputs = [x]
        for number, (weight, bias) in enumerate(self.layers):
            scores = torch.addmm(bias, inputs[-1], weight.T)
            if number + 1 < len(self.layers):
                inputs.append(scores.relu_())
        if self.is_logistic:
            delta = scores.sigmoid_()
            delta[:, 0].sub_(y)
        else:
            delta = scores.softmax(1)
            delta.scatter_add_(1, y[:, None], torch.full((len(y), 1), -1.0))
        rate = -self.lr / len(y)
        for (weight, bias), given in zip(reversed(self.layers), reversed(inputs)):
            below = (delta @ weight).mul_(given > 0) if given is not x else None
            weight.addmm_(delta.T, given, alpha=rate)
            bias.add_(delta.sum(0), alpha=rate)
            delta = below


class Vectors(ByHand):
    """Logistic regression with vectors."""

    def reset(self):
        self.w, self.b = torch.zeros(self.rows.n_features), torch.zeros(())

    def theta(self):
        return [(self.w.numpy()[None], self.b.numpy()[None])]

    def step(self, x, y):
        delta = torch.mv(x, self.w).add_(self.b).sigmoid_().sub_(y)
        rate = -self.lr / len(y)
        self.w.addmv_(x.T, delta, alpha=rate)
        self.b.add_(delta.sum(), alpha=rate)


class OneByOne(Vectors):
    """The same for one row a step: views instead of gathers, the score as a number."""

    @torch.inference_mode()
    def epoch(self, rng):
        x, y, w, b, lr = self.x, self.y.tolist(), self.w, float(self.b), self.lr
        for i in torch.randperm(self.rows.n_rows).tolist():
            row = x[i]
            score = torch.dot(row, w).item() + b
            step = lr * (1 / (1 + math.exp(-score)) - y[i])
            w.add_(row, alpha=-step)
            b -= step
        self.b.fill_(b)


class Padded(Vectors):
    """Sparse rows of equal length as two matrices."""

    def load(self, rows):
        self.indices, self.values = torch.from_numpy(rows.indices).long(), torch.from_numpy(rows.values)

    @torch.inference_mode()
    def epoch(self, rng):
        if self.batch == self.rows.n_rows:
            return self.sparse_step(self.indices, self.values, self.y)
        for chosen in torch.randperm(self.rows.n_rows).split(self.batch):
            self.sparse_step(self.indices[chosen], self.values[chosen], self.y[chosen])

    def sparse_step(self, indices, values, y):
        scores = (self.w[indices.view(-1)].view(indices.shape) * values).sum(1)
        delta = scores.add_(self.b).sigmoid_().sub_(y).mul_(-self.lr / len(y))
        self.w.index_add_(0, indices.view(-1), (delta[:, None] * values).view(-1))
        self.b.add_(delta.sum())


class Compressed(Vectors):
    """A full batch as CSR, and transposed as CSR too."""

    def load(self, rows):
        csr = rows.csr()
        make = lambda m: torch.sparse_csr_tensor(
            torch.from_numpy(m.indptr).long(), torch.from_numpy(m.indices).long(), torch.from_numpy(m.data), m.shape
        )
        self.x, self.transposed = make(csr), make(csr.T.tocsr())

    def step(self, x, y):
        delta = torch.mv(x, self.w).add_(self.b).sigmoid_().sub_(y).mul_(-self.lr / len(y))
        self.w.add_(torch.mv(self.transposed, delta))
        self.b.add_(delta.sum())


class Autograd(ByHand):
    """The same gradients by autograd, the step by torch.optim.SGD."""

    options = {"foreach": True}

    def reset(self):
        super().reset()
        self.parameters = [part.requires_grad_() for layer in self.layers for part in layer]
        self.optimizer = torch.optim.SGD(self.parameters, lr=self.lr, **self.options)

    def epoch(self, rng):
        if self.batch == self.rows.n_rows:
            return self.step(self.x, self.y)
        for chosen in torch.randperm(self.rows.n_rows).split(self.batch):
            self.step(self.x.index_select(0, chosen), self.y.index_select(0, chosen))

    def step(self, x, y):
        self.optimizer.zero_grad()
        for number, (weight, bias) in enumerate(self.layers):
            x = F.linear(x.relu() if number else x, weight, bias)
        loss = F.binary_cross_entropy_with_logits(x[:, 0], y) if self.is_logistic else F.cross_entropy(x, y)
        loss.backward()
        self.optimizer.step()


class Fused(Autograd):
    """With the fused optimizer."""

    options = {"fused": True}


def matrices_step(layers, x, y, rate, is_logistic):
    """What `ByHand.step` does, as a function without side effects, which compiles best."""
    inputs, scores = [x], x
    for number, (weight, bias) in enumerate(layers):
        scores = torch.addmm(bias, inputs[-1], weight.T)
        if number + 1 < len(layers):
            inputs.append(scores.relu())
    delta = scores.sigmoid() - y[:, None] if is_logistic else scores.softmax(1) - F.one_hot(y, scores.shape[1])
    delta = delta * rate
    for (weight, bias), given in zip(reversed(layers), reversed(inputs)):
        below = torch.where(given > 0, delta @ weight, 0) if given is not x else None
        weight.add_(delta.T @ given)
        bias.add_(delta.sum(0))
        delta = below


def vectors_step(w, b, x, y, rate):
    delta = (torch.sigmoid((x * w).sum(1) + b) - y) * rate
    w.add_((x * delta[:, None]).sum(0))
    b.add_(delta.sum())


compiled_matrices = torch.compile(matrices_step, dynamic=False)
compiled_vectors = torch.compile(vectors_step, dynamic=False)
torch._dynamo.config.recompile_limit = 64


class Compiled(ByHand):
    """The hand-written step through torch.compile."""

    compiles = True

    def step(self, x, y):
        compiled_matrices(self.layers, x, y, -self.lr / len(y), self.is_logistic)


class CompiledVectors(Vectors):
    """The hand-written step for one score through torch.compile: sums of products that it can fuse."""

    compiles = True

    def step(self, x, y):
        compiled_vectors(self.w, self.b, x, y, -self.lr / len(y))


def variants(case, batch):
    if case["nonzeros"]:
        return {"padded": Padded} | ({"csr": Compressed} if batch == "full" else {})
    compiles = batch in ("256", "4096", "full")
    if case["outputs"] == 1 and not case["hidden"]:
        ways = {"by hand": Vectors, "fused": Fused, "foreach": Autograd}
        ways |= {"one by one": OneByOne} if batch == "1" else {}
        return ways | ({"compiled": CompiledVectors} if compiles else {})
    ways = {"by hand": ByHand, "fused": Fused, "foreach": Autograd}
    return ways | ({"compiled": Compiled} if compiles else {})


contest.run("torch expert", variants, {"torch": torch.__version__})
