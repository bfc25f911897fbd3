"""Quality of predicted classes: by hand, and against scikit-learn, torchmetrics and scipy."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy
from sklearn.metrics import brier_score_loss, log_loss
from torch import Tensor
from torchmetrics.functional.classification import multiclass_accuracy, multiclass_calibration_error

from sparsetune.measures import quality
from sparsetune.measures.quality import classification_quality, ranks

BY_CLASS = {"balanced_accuracy", "macro_f1", "auc"}  # tested in test_by_class.py
KEYS = {"loss", "accuracy", "top5_accuracy", "brier", "entropy", "ece", "ece_15", "ece_odds"}


def predictions(seed: int, samples: int, classes: int, scale: float) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(samples, classes, generator=generator, dtype=torch.float64)
    return logits, torch.randint(classes, (samples,), generator=generator)


def others(logits: Tensor, targets: Tensor) -> dict[str, float]:
    """All but the means over classes."""
    return {name: value for name, value in classification_quality(logits, targets).items() if name not in BY_CLASS}


def error_of(p: Tensor, targets: Tensor, bins: int) -> float:
    """torchmetrics has a bin of its own for confidences of exactly 1, and single precision."""
    found = multiclass_calibration_error(p.clamp(max=1 - 1e-6), targets, num_classes=p.shape[1], n_bins=bins, norm="l1")
    return float(found)


@settings(max_examples=80, deadline=None, derandomize=True)  # single precision may move a sample to the next bin
@given(
    seed=st.integers(0, 2**31),
    samples=st.integers(1, 80),
    classes=st.integers(2, 12),
    scale=st.sampled_from([0.01, 1.0, 4.0]),
)
def test_against_other_libraries(seed: int, samples: int, classes: int, scale: float) -> None:
    logits, targets = predictions(seed, samples, classes, scale)
    found = others(logits, targets)
    p, labels = logits.softmax(1), list(range(classes))
    odds = (p / (1 - p + 1e-15)).log().softmax(1)
    expected = {
        "loss": log_loss(targets, p, labels=labels),
        "accuracy": float(multiclass_accuracy(logits, targets, classes, average="micro")),
        "top5_accuracy": float(multiclass_accuracy(logits, targets, classes, average="micro", top_k=min(5, classes))),
        "brier": brier_score_loss(targets, p, labels=labels, scale_by_half=False),
        "entropy": entropy(p, axis=1).mean(),
        "ece": error_of(p, targets, 10),
        "ece_15": error_of(p, targets, 15),
        "ece_odds": error_of(odds, targets, 10),
    }
    assert found == pytest.approx(expected, rel=1e-6, abs=2e-6)


def test_by_hand() -> None:
    """p = (.5, .25, .25) and (.25, .25, .5), both of class 0.

    Loss: (ln 2 + ln 4) / 2. Brier: (.25 + .0625 + .0625 + .5625 + .0625 + .25) / 2 = .625. Entropy of each: .5 ln 2 +
    2 x .25 ln 4. Both claim .5 and one of two is right: ECE 0. Odds (1, 1/3, 1/3): confidence .6, ECE .1.
    """
    logits, targets = torch.tensor([[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]]).log(), torch.tensor([0, 0])
    found = others(logits, targets)
    assert found.keys() == KEYS
    assert found == pytest.approx(
        {
            "loss": 1.5 * math.log(2),
            "accuracy": 0.5,
            "top5_accuracy": 1.0,
            "brier": 0.625,
            "entropy": 1.5 * math.log(2),
            "ece": 0.0,
            "ece_15": 0.0,
            "ece_odds": 0.1,
        },
        abs=1e-6,
    )


def test_certain_and_wrong() -> None:
    """The worst Brier score is (1 - 0)^2 + (0 - 1)^2 = 2; the loss is the difference of the logits."""
    found = classification_quality(torch.tensor([[100.0, 0.0]]), torch.tensor([1]))
    assert found["brier"] == pytest.approx(2.0)
    assert found["loss"] == pytest.approx(100.0)
    assert found["ece"] == found["ece_15"] == found["ece_odds"] == pytest.approx(1.0)
    assert found["entropy"] == pytest.approx(0.0, abs=1e-12)


def test_impossible_classes_of_a_mean_probability() -> None:
    """ln 0 at a class that is not the sample's adds nothing."""
    log_p = torch.tensor([[0.5, 0.5, 0.0]]).log()
    found = classification_quality(log_p, torch.tensor([0]))
    assert found["entropy"] == pytest.approx(math.log(2))
    assert found["brier"] == pytest.approx(0.5)


def test_ranks() -> None:
    """Of equal outputs the first counts as likelier, as in argmax; NaN is never a hit."""
    outputs = torch.tensor([[1.0, 3.0, 3.0, 0.0]] * 4)
    assert ranks(outputs, torch.arange(4)).tolist() == [2, 0, 1, 3]
    assert ranks(torch.full((3, 3), math.nan), torch.arange(3)).tolist() == [3, 3, 3]
    dead = classification_quality(torch.zeros(10, 10), torch.arange(10))
    assert (dead["accuracy"], dead["top5_accuracy"]) == (0.1, 0.5)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), samples=st.integers(1, 50), classes=st.integers(1, 8))
def test_rank_0_is_argmax_also_among_equals(seed: int, samples: int, classes: int) -> None:
    logits, targets = predictions(seed, samples, classes, 1.0)
    outputs = logits.round()
    assert torch.equal(ranks(outputs, targets) == 0, outputs.argmax(1) == targets)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, targets = predictions(0, 101, 10, 2.0)
    whole = classification_quality(logits, targets)
    monkeypatch.setattr(quality, "_CHUNK", 70)  # 7 samples
    assert classification_quality(logits, targets) == pytest.approx(whole, rel=1e-12)


def test_the_device_is_waited_for_once(waits: Callable[[Callable[[], object]], int]) -> None:
    logits, targets = predictions(0, 50, 10, 1.0)
    assert waits(lambda: classification_quality(logits, targets)) == 1


def test_half_precision_is_summed_in_double() -> None:
    logits, targets = predictions(0, 5000, 10, 2.0)
    halves = logits.bfloat16()
    assert classification_quality(halves, targets) == classification_quality(halves.double(), targets)
