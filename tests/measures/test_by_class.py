"""Means over classes: by hand, and against scikit-learn and torchmetrics."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, recall_score, roc_auc_score
from torch import Tensor
from torchmetrics.functional.classification import multiclass_auroc, multiclass_f1_score, multiclass_recall

from sparsetune.measures import by_class
from sparsetune.measures.by_class import area_under_roc
from sparsetune.measures.quality import classification_quality

NAMES = ("balanced_accuracy", "macro_f1", "auc")


def found(outputs: Tensor, targets: Tensor) -> dict[str, float]:
    numbers = classification_quality(outputs, targets)
    return {name: numbers[name] for name in NAMES if name in numbers}


def expected(outputs: Tensor, targets: Tensor) -> dict[str, float]:
    """scikit-learn's, over the classes that there are; scores are rounded, so that what ties on paper ties."""
    here = np.unique(targets)
    said, labels = outputs.argmax(1).numpy(), targets.numpy()
    averaged = {"labels": here, "average": "macro", "zero_division": 0}
    numbers = {
        "balanced_accuracy": recall_score(labels, said, **averaged),
        "macro_f1": f1_score(labels, said, **averaged),
    }
    if len(here) > 1:
        scores = outputs.double().log_softmax(1).numpy().round(9)
        numbers["auc"] = float(np.mean([roc_auc_score(labels == each, scores[:, each]) for each in here]))
    return numbers


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    samples=st.integers(1, 60),
    classes=st.integers(2, 8),
    kinds=st.integers(1, 8),
    step=st.sampled_from([None, 1.0, 0.25]),
)
def test_against_scikit_learn(seed: int, samples: int, classes: int, kinds: int, step: float | None) -> None:
    """Also where the split lacks classes, has one only, and where many scores are equal."""
    generator = torch.Generator().manual_seed(seed)
    outputs = torch.randn(samples, classes, generator=generator, dtype=torch.float64)
    outputs = outputs if step is None else (outputs / step).round() * step
    targets = torch.randint(min(kinds, classes), (samples,), generator=generator)
    assert found(outputs, targets) == pytest.approx(expected(outputs, targets), abs=1e-12)


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_against_torchmetrics(classes: int) -> None:
    generator = torch.Generator().manual_seed(classes)
    outputs = torch.randn(90, classes, generator=generator)
    targets = torch.arange(90) % classes
    of = {"num_classes": classes, "average": "macro"}
    assert found(outputs, targets) == pytest.approx(
        {
            "balanced_accuracy": float(multiclass_recall(outputs, targets, **of)),
            "macro_f1": float(multiclass_f1_score(outputs, targets, **of)),
            "auc": float(multiclass_auroc(outputs, targets, **of)),
        },
        abs=1e-6,
    )


def test_by_hand() -> None:
    """Of a three samples, of b one; c is predicted once and is none's. Scores p(b): 0.1 0.4 0.3 for a, 0.35 for b.

    Recall: 2/3 and 0. F1: a has TP 2, FP 1, FN 1: 2/3; b has 0. p(a): 0.8 0.5 0.2 for a, 0.6 for b. Pairs that are in
    order: of a 1 of 3, of b 2 of 3.
    """
    p = torch.tensor([[0.8, 0.1, 0.1], [0.5, 0.4, 0.1], [0.2, 0.3, 0.5], [0.6, 0.35, 0.05]], dtype=torch.float64)
    assert found(p.log(), torch.tensor([0, 0, 0, 1])) == pytest.approx(
        {"balanced_accuracy": 1 / 3, "macro_f1": 1 / 3, "auc": 1 / 2}
    )


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_a_model_that_always_says_the_same(classes: int) -> None:
    """99 of 100 are right, and all are as likely: nothing is told apart."""
    targets = torch.zeros(100, dtype=torch.int64)
    targets[-1] = 1
    outputs = torch.zeros(100, classes)
    outputs[:, 0] = 5.0
    numbers = classification_quality(outputs, targets)
    assert numbers["accuracy"] == 0.99
    assert found(outputs, targets) == pytest.approx(
        {"balanced_accuracy": 0.5, "macro_f1": (2 * 99 / 199) / 2, "auc": 0.5}
    )


def test_two_classes_have_the_usual_area() -> None:
    outputs, targets = torch.randn(50, 2, generator=torch.Generator().manual_seed(1)), torch.arange(50) % 2
    usual = roc_auc_score(targets, outputs.softmax(1)[:, 1])
    assert found(outputs, targets)["auc"] == pytest.approx(usual, abs=1e-12)


def test_ties_count_half() -> None:
    """One of two pairs is in order, the other a tie: 3/4."""
    outputs, targets = torch.tensor([[0.0, 1.0], [0.0, 1.0], [0.0, 0.0]]), torch.tensor([1, 0, 0])
    assert found(outputs, targets)["auc"] == 0.75


def test_no_area_of_one_class() -> None:
    """There is nothing to tell it from; the other two are what a constant model has."""
    outputs, targets = torch.eye(3)[torch.tensor([1, 1, 0, 2])], torch.ones(4, dtype=torch.int64)
    assert found(outputs, targets) == {"balanced_accuracy": 0.5, "macro_f1": pytest.approx(2 / 3)}
    assert "auc" not in classification_quality(torch.zeros(5, 1), torch.zeros(5, dtype=torch.int64))


@pytest.mark.parametrize("worst", [math.nan, math.inf])
def test_no_area_of_what_is_no_number(worst: float) -> None:
    outputs = torch.zeros(6, 3)
    outputs[2, 1] = worst
    assert "auc" not in classification_quality(outputs, torch.arange(6) % 3)


def test_what_rounds_to_certainty_is_still_told_apart() -> None:
    """All probabilities are 1 or 0 in double precision; of two classes the wrong one is the least sure."""
    outputs = torch.tensor([[0.0, 60.0], [0.0, 70.0], [0.0, 50.0], [80.0, 0.0]], dtype=torch.float64)
    assert outputs.softmax(1)[:, 1].unique().numel() == 2
    assert found(outputs, torch.tensor([1, 1, 0, 0]))["auc"] == 1.0


def test_of_mean_probabilities() -> None:
    """As Monte Carlo prediction hands them on: logarithms, of 0 too."""
    p = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.5, 0.25, 0.25], [0.0, 0.5, 0.5], [0.0, 0.0, 1.0]])
    targets = torch.tensor([0, 0, 1, 1, 2])
    assert found(p.log(), targets) == pytest.approx(expected(p.double().clamp(min=1e-30).log(), targets), abs=1e-12)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs, targets = torch.randn(101, 10, generator=torch.Generator().manual_seed(0)), torch.arange(101) % 10
    whole = area_under_roc(outputs, targets)
    for size in (1, 70, 303):
        monkeypatch.setattr(by_class, "_AT_ONCE", size)
        assert area_under_roc(outputs, targets) == whole


def test_the_device_is_not_waited_for(waits: Callable[[Callable[[], object]], int]) -> None:
    outputs, targets = torch.randn(50, 10), torch.arange(50) % 10
    assert waits(lambda: area_under_roc(outputs, targets)) == 0
