"""What a method sees of a training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from sparsetune.sparsity.method import Selection
from sparsetune.sparsity.methods import METHODS
from sparsetune.sparsity.methods.dense import Dense
from sparsetune.sparsity.session import At, Session
from sparsetune.sparsity.stage import Between, Stage
from sparsetune.testing.methods import Trainer
from sparsetune.testing.trained import restarted, same_state, trial_config, untimed
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.session import TrainingSession
from training.recorder import Recorder

SMALL = {"name": "mlp", "hidden": [8]}
TRAIN, VAL = 1_079, 359  # samples of digits


def trainer(method: dict[str, Any] | str = "dense", **training: Any) -> Trainer:
    return Trainer(trial_config(method, SMALL, **{"epochs": 3, "batch_size": 200, **training}))


def test_where_it_stands() -> None:
    training = trainer()
    assert training.session.at == At(0, 0, "")
    next(training)
    assert training.session.at == At(6, 1, "train")
    again = restarted(training)
    assert again.session.at == At(6, 1, "train")
    next(again)
    assert again.session.at == At(12, 2, "train")


class Placed(Recorder):
    """Writes down where the training stands."""

    places: ClassVar[list[tuple[str, At]]] = []

    @classmethod
    def tree(cls, config: Any, training: Any) -> Stage:
        first = super().tree(config, training)
        (second,) = first.then
        between = (Between(1, Placing("between")),)
        return replace(first, before=(Placing("before"),), then=(replace(second, between=between),))

    def select(self, inputs: Tensor, targets: Tensor) -> None:
        self.places.append(("select", self.session.at))

    def numbers(self) -> dict[str, float]:
        self.places.append(("numbers", self.session.at))
        return {}

    def summary(self) -> dict[str, float]:
        self.places.append(("summary", self.session.at))
        return {}


@dataclass(frozen=True)
class Placing:
    """A procedure that writes it down too."""

    name: str

    def __call__(self, session: Session, state: Any = None) -> None:
        Placed.places.append((self.name, session.at))


def test_where_hooks_and_procedures_see_it() -> None:
    known = replace(REGISTRIES, method=METHODS.extended({"recorder": Placed}))
    method, settings = {"name": "recorder", "second_phase": 2}, {"epochs": 3, "batch_size": 600}
    training = Trainer(trial_config(method, SMALL, registries=known, **settings), registries=known)
    list(training)
    training.finish()
    expected = []
    for epoch, stage in enumerate(("first", "first/second", "first/second")):
        steps = 2 * epoch
        expected += [
            *([("before", At(0, 0, "first"))] if epoch == 0 else []),
            ("select", At(steps, epoch, stage)),
            ("select", At(steps + 1, epoch, stage)),
            ("numbers", At(steps + 2, epoch + 1, stage)),
            *([("between", At(4, 2, stage))] if epoch == 1 else []),
        ]
    assert Placed.places == [*expected, ("summary", At(6, 3, "first/second"))]


def test_what_it_is_of() -> None:
    session = trainer(optimizer="adam", lr=0.02).session
    assert list(session.prunable) == ["linear1.weight", "linear2.weight"]
    assert all(weight is session.network.get_parameter(name) for name, weight in session.prunable.items())
    assert (session.task, session.seed, session.train_samples) == ("classification", 0, TRAIN)
    assert [group["lr"] for group in session.optimizer.param_groups] == [0.02]


def test_losses_are_those_of_rows_and_of_torch() -> None:
    training = trainer()
    row = next(training)
    session, data = training.session, training.data
    assert session.loss("val") == row.metrics["val_loss"]
    with torch.no_grad():
        outputs = training.network.eval()(data.train.inputs)
        expected = nn.functional.cross_entropy(outputs.double(), data.train.targets)
    assert session.loss("train") == pytest.approx(expected.item(), rel=1e-6)
    assert training.cost.scored == VAL + TRAIN


def test_the_objective_has_the_gradient_of_the_loss() -> None:
    training = trainer(label_smoothing=0.1)
    inputs, targets = next(training.session.batches("train", 50))
    training.session.objective(inputs, targets).backward()
    found = [parameter.grad.clone() for parameter in training.network.parameters() if parameter.grad is not None]
    training.network.zero_grad()
    nn.functional.cross_entropy(training.network(inputs), targets, label_smoothing=0.1).backward()
    assert same_state(found, [parameter.grad for parameter in training.network.parameters()])


def test_batches_are_in_order_and_not_augmented() -> None:
    plain = trial_config("dense", SMALL)
    augmented = {"data": plain.data.model_copy(update={"augment": "crop_flip"})}
    training = Trainer(plain.model_copy(update=augmented))
    assert training.data.train.augment is not None
    data = training.data
    for name, split in (("train", data.train), ("val", data.val)):
        parts = list(training.session.batches(name, 100))  # type: ignore[arg-type]
        assert [len(targets) for _, targets in parts[:-1]] == [100] * (len(split) // 100)
        assert torch.equal(torch.cat([inputs for inputs, _ in parts]), split.inputs)
        assert torch.equal(torch.cat([targets for _, targets in parts]), split.targets)


def test_random_numbers_of_one_s_own() -> None:
    session = TrainingSession.of(nn.Linear(1, 1), seed=3)
    drawn = [torch.rand(4, generator=session.generator(name)) for name in ("a", "a", "b")]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    other = TrainingSession.of(nn.Linear(1, 1), seed=4).generator("a")
    assert not torch.equal(drawn[0], torch.rand(4, generator=other))


def test_a_network_that_is_not_trained_has_no_data() -> None:
    session = TrainingSession.of(nn.Linear(1, 1))
    with pytest.raises(RuntimeError, match="not trained"):
        session.loss("train")


class Looking(Dense):
    """Asks for losses in the middle of an epoch."""

    def after_step(self) -> None:
        self.session.loss("train")
        self.session.loss("val")


def test_asking_for_a_loss_changes_no_number() -> None:
    """Dropout draws from the training's own stream, BatchNorm keeps statistics."""
    method = {"name": "dense", "n_dropout_layers": 1, "mc_samples": 3}
    model = {**SMALL, "batch_norm": True}
    plain, looking = (Trainer(trial_config(method, model, epochs=2, batch_size=400)) for _ in range(2))
    looking.method.__class__ = Looking
    for row, other in zip(plain, looking, strict=True):
        ours, theirs = untimed(row.metrics), untimed(other.metrics)
        cost = {"est_flops_g", "compute_saved"}  # these passes count
        assert {name: ours[name] for name in ours.keys() - cost} == {name: theirs[name] for name in ours.keys() - cost}
        assert theirs["est_flops_g"] > ours["est_flops_g"]
    assert same_state(plain.network.state_dict(), looking.network.state_dict())


class Fewer(Recorder):
    """Trains on the first half of each batch, without a look at it."""

    def select(self, inputs: Tensor, targets: Tensor) -> Selection:
        return Selection(torch.arange(len(targets) // 2))


@pytest.mark.usefixtures("recorder")
def test_a_selection_without_scores_is_measured_as_it_is_trained() -> None:
    training = trainer("recorder", epochs=1, batch_size=1000)
    training.method.__class__ = Fewer
    row = next(training)
    assert (training.cost.drawn, training.cost.scored, training.cost.trained) == (TRAIN, 0, 500 + 39)
    assert [event for event in training.method.events if "train" in event] == ["forward train 500", "forward train 39"]  # type: ignore[attr-defined]
    assert 0 <= row.metrics["train_accuracy"] <= 1
