"""PyTorch as its tutorials write it: TensorDataset, DataLoader(shuffle=True), a module, a loss, torch.optim.SGD.

A full batch goes without the loader, which would stack all rows one by one; nobody writes that. Sparse rows are an
`EmbeddingBag` of sums with weights a sample, the documented way to a sparse linear model, with sparse gradients.
"""

import contest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(contest.ARGUMENTS.threads)


class Sparse(nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.weight = nn.EmbeddingBag(n_features, 1, mode="sum", sparse=True)
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, indices, values):
        return self.weight(indices, per_sample_weights=values) + self.bias


class Tutorial:
    def __init__(self, rows, lr, batch):
        self.rows, self.lr, self.batch = rows, lr, batch
        self.is_logistic = rows.case["loss"] == "logistic"
        y = torch.from_numpy(rows.y)
        y = y if self.is_logistic else y.long()
        if rows.nonzeros:
            self.tensors = torch.from_numpy(rows.indices), torch.from_numpy(rows.values), y
        else:
            self.tensors = torch.from_numpy(rows.x), y
        self.loader = DataLoader(TensorDataset(*self.tensors), batch_size=batch, shuffle=True)
        self.reset()

    def reset(self):
        start = self.rows.start()
        if self.rows.nonzeros:
            self.model = Sparse(self.rows.n_features)
            nn.init.zeros_(self.model.weight.weight)
        else:
            layers = []
            for weight, bias in start:
                layer = nn.Linear(weight.shape[1], weight.shape[0])
                with torch.no_grad():
                    layer.weight.copy_(torch.from_numpy(weight))
                    layer.bias.copy_(torch.from_numpy(bias))
                layers += [nn.ReLU(), layer] if layers else [layer]
            self.model = nn.Sequential(*layers)
        self.loss = nn.BCEWithLogitsLoss() if self.is_logistic else nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=self.lr)

    def theta(self):
        parts = [part.detach().numpy() for part in self.model.parameters()]
        if self.rows.nonzeros:
            by_name = {name: part.detach().numpy() for name, part in self.model.named_parameters()}
            return [(by_name["weight.weight"].T, by_name["bias"])]
        return list(zip(parts[::2], parts[1::2]))

    def epoch(self, rng):
        for *inputs, y in [self.tensors] if self.batch == self.rows.n_rows else self.loader:
            self.optimizer.zero_grad()
            scores = self.model(*inputs)
            loss = self.loss(scores[:, 0] if self.is_logistic else scores, y)
            loss.backward()
            self.optimizer.step()


contest.run("torch idiomatic", lambda case, batch: {"tutorial": Tutorial}, {"torch": torch.__version__})
