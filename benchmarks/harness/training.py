"""What all ways train: digits, LeNet-300-100, Adam (fused), as a user would write it by hand with tensors.

The same split sizes, batch size, epochs and optimiser implementation as the study of SparseTune, and like there the
mean training loss and accuracy and those of the validation split are known after each epoch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, log_softmax

EPOCHS, BATCH, HELD_OUT = 10, 60, 359
LOWEST, HIGHEST = 1e-4, 1e-2  # of the learning rate, on a logarithmic scale
TARGET, KP, KI = 0.25, 0.1, 0.01  # of AST

Split = tuple[Tensor, Tensor]
Select = Callable[[nn.Module, Tensor, Tensor], tuple[Tensor, Tensor]]


def digits() -> tuple[Split, Split]:
    """Training and validation split, standardised."""
    images, labels = load_digits().images, load_digits().target
    rest, _, rest_labels, _ = train_test_split(images, labels, test_size=HELD_OUT, stratify=labels, random_state=0)
    x, val_x, y, val_y = train_test_split(rest, rest_labels, test_size=HELD_OUT, stratify=rest_labels, random_state=0)
    mean, std = x.mean(), x.std()
    train, val = (
        (torch.tensor((part - mean) / std).float(), torch.tensor(of)) for part, of in ((x, y), (val_x, val_y))
    )
    return train, val


def adaptive() -> Select:
    """AST: which samples of a batch reach a threshold that a PI controller moves, and what was predicted for all."""
    level: float | None = None
    integral = 0.0

    def select(network: nn.Module, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        nonlocal level, integral
        network.eval()
        with torch.inference_mode():
            outputs = network(inputs)
        network.train()
        log_p = log_softmax(outputs, dim=1)
        scores = -log_p.gather(1, targets.unsqueeze(1)).squeeze(1) - (log_p.exp() * log_p).sum(dim=1)
        if level is None:
            level = math.log(torch.quantile(scores, 1 - TARGET).item())
        active = (scores >= math.exp(level)).nonzero().squeeze(1)
        if not len(active):
            active = scores.topk(1).indices
        error = len(active) / len(targets) - TARGET
        integral += error
        level += KP * error + KI * integral
        return active, outputs

    return select


METHODS: dict[str, Callable[[], Select] | None] = {"dense": None, "ast": adaptive}


def train(lr: float, data: tuple[Split, Split], method: str) -> Iterator[dict[str, float]]:
    """The metrics of each epoch."""
    (x, y), (val_x, val_y) = data
    make = METHODS[method]
    select = make() if make else None
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(64, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10)
    )
    optimizer = torch.optim.Adam(network.parameters(), lr, fused=True)
    for _ in range(EPOCHS):
        network.train()
        outputs, targets = [], []
        for indices in torch.randperm(len(y)).split(BATCH):
            inputs, wanted = x[indices], y[indices]
            targets.append(wanted)
            if select is not None:
                active, predicted = select(network, inputs, wanted)
                outputs.append(predicted)
                inputs, wanted = inputs[active], wanted[active]
            out = network(inputs)
            loss = cross_entropy(out, wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if select is None:
                outputs.append(out.detach())
        network.eval()
        with torch.inference_mode():
            trained, expected, val_out = torch.cat(outputs), torch.cat(targets), network(val_x)
            yield {
                "train_loss": cross_entropy(trained, expected).item(),
                "train_accuracy": (trained.argmax(1) == expected).float().mean().item(),
                "val_loss": cross_entropy(val_out, val_y).item(),
                "val_accuracy": (val_out.argmax(1) == val_y).float().mean().item(),
            }
