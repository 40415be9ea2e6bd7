"""The same descent with PyTorch: the rows, their order, the start and the rate of a run in Downslope's lesson.

    pip install torch
    python descent.py            # reads descent.json from beside this file

It trains with torch.optim.SGD and prints how far its losses are from those of the lesson.
"""

import json
import pathlib
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

here = pathlib.Path(__file__).resolve().parent
name = sys.argv[1] if len(sys.argv) > 1 else here / "descent.json"
run = json.loads(pathlib.Path(name).read_text())

x = torch.tensor(run["x"], dtype=torch.float32)
y = torch.tensor(run["y"], dtype=torch.float32)
y = y.long() if run["loss"] == "CrossEntropyLoss" else y.unsqueeze(1)
rows = TensorDataset(x, y)

model = nn.Sequential(nn.Linear(x.shape[1], run["n_outputs"]))
model.load_state_dict({part["name"]: torch.tensor(part["values"]).reshape(part["shape"]) for part in run["start"]})
loss_of = getattr(nn, run["loss"])()
optimizer = torch.optim.SGD(model.parameters(), lr=run["lr"])

losses = []
for epoch in range(run["epochs"]):
    # shuffle=True would draw an order of its own; this is the order that the lesson drew.
    order = run["orders"][epoch] if run["orders"] else range(len(rows))
    loader = DataLoader(rows, batch_size=run["batch_size"], sampler=order)
    for features, targets in loader:
        optimizer.zero_grad()
        loss = loss_of(model(features), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

apart = max(abs(ours - theirs) for ours, theirs in zip(losses, run["losses"], strict=True))
print(f"{len(losses)} steps of {run['batch_size']} rows: the last loss is {losses[-1]:.6f}, in the lesson {run['losses'][-1]:.6f}")
print(f"the two curves are at most {apart:.1e} apart")
sys.exit(0 if apart < 1e-4 else 1)
