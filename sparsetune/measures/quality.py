"""How good predicted classes are: functions of one value a sample, whose means are the metrics, and means by class.

``outputs`` are (N, C) logits or log-probabilities (softmax leaves the latter as they are); ``log_p`` are (N, C)
log-probabilities; ``targets`` are (N,) int64 classes from 0 to C - 1. All stay on their device.

Whether predictions are as often right as they claim is the expected calibration error. Source: C. Guo et al., On
Calibration of Modern Neural Networks (2017). Bins have equal width and hold their upper edge: with M bins the m-th is
((m - 1) / M, m / M].
"""

from __future__ import annotations

from math import isnan

import torch
from torch import Tensor

from sparsetune.measures.by_class import area_under_roc, recall_and_f1

_CHUNK = 1 << 22  # outputs looked at together: a few tensors of 32 MB
_MEANS = ("loss", "accuracy", "top5_accuracy", "brier", "entropy")
_OTHERS = ("ece", "ece_15", "ece_odds", "balanced_accuracy", "macro_f1", "auc")


def classification_quality(outputs: Tensor, targets: Tensor) -> dict[str, float]:
    """Every measure of predicted classes; the device is waited for once.

    Args:
        outputs: (N, C), N at least 1.
        targets: (N,).

    Returns:
        ``loss`` (nats), ``accuracy``, ``top5_accuracy``, ``brier`` (0 to 2), ``entropy`` (nats), ``ece`` (10 bins),
        ``ece_15``, ``ece_odds``, ``balanced_accuracy``, ``macro_f1``, and ``auc`` where there are samples of two
        classes or more: of one there is none.
    """
    size = max(1, _CHUNK // outputs.shape[1])
    parts = [_of_samples(o, t) for o, t in zip(outputs.split(size), targets.split(size), strict=True)]
    values = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
    hits, confidences, odds = values[1], values[5], values[6]
    others = torch.stack(
        (
            calibration_error(reliability(confidences, hits, 10)),
            calibration_error(reliability(confidences, hits, 15)),
            calibration_error(reliability(odds, hits, 10)),
            *recall_and_f1(outputs.argmax(1), hits, targets, outputs.shape[1]),
            area_under_roc(outputs, targets),
        )
    )
    numbers: list[float] = torch.cat((values[: len(_MEANS)].mean(1), others)).tolist()
    named = dict(zip((*_MEANS, *_OTHERS), numbers, strict=True))
    return {name: value for name, value in named.items() if name != "auc" or not isnan(value)}


def _of_samples(outputs: Tensor, targets: Tensor) -> Tensor:
    """(7, N) float64: what ``_MEANS`` says, then confidences and those of odds."""
    log_p = torch.log_softmax(outputs.double(), dim=1)
    p = log_p.exp()
    rank = ranks(outputs, targets)
    return torch.stack(
        (
            losses(log_p, targets),
            (rank < 1).double(),
            (rank < 5).double(),
            brier_scores(p, targets),
            entropies(p),
            p.amax(1),
            odds_confidences(p),
        )
    )


def ranks(outputs: Tensor, targets: Tensor) -> Tensor:
    """(N,) int64: how many classes are likelier than the sample's own, 0 to C - 1; C where its own output is NaN.

    Of equal outputs the first counts as likelier, so that rank 0 is what ``argmax`` picks. Top-k accuracy is the share
    of ranks below k; with fewer than k classes it is 1.
    """
    own = outputs.gather(1, targets.unsqueeze(1))
    earlier = torch.arange(outputs.shape[1], device=outputs.device) < targets.unsqueeze(1)
    return ((outputs <= own).logical_not() | ((outputs == own) & earlier)).sum(1)  # what is NaN counts as likelier


def losses(log_p: Tensor, targets: Tensor) -> Tensor:
    """(N,) negative log-likelihoods -ln p[target], nats, at least 0; the mean is NLL, which is cross entropy."""
    return -log_p.gather(1, targets.unsqueeze(1)).squeeze(1)


def brier_scores(p: Tensor, targets: Tensor) -> Tensor:
    """(N,) sums over classes of (p - [is the class])^2, 0 to 2: Brier's own definition (1950) for several classes.

    Args:
        p: (N, C) probabilities.
    """
    own = targets.unsqueeze(1)
    return p.scatter(1, own, p.gather(1, own) - 1).square().sum(1)


def entropies(p: Tensor) -> Tensor:
    """(N,) predictive entropies -sum over classes of p ln p, nats, 0 to ln C.

    Args:
        p: (N, C) probabilities.
    """
    values: Tensor = torch.special.entr(p)
    return values.sum(1)


def odds_confidences(p: Tensor) -> Tensor:
    """(N,) largest values of softmax(ln(p / (1 - p + 1e-15))), which is odds / sum of odds.

    sbcube hands these to its calibration error as if they were logits; they are sharper than p.

    Args:
        p: (N, C) float64 probabilities.
    """
    odds = p / (1 - p + 1e-15)
    return odds.amax(1) / odds.sum(1)


def reliability(confidences: Tensor, hits: Tensor, bins: int) -> Tensor:
    """(bins, 3) float64: samples, share of them that is right, mean confidence; zeros where a bin is empty.

    Args:
        confidences: (N,) from 0 to 1, of the predicted class.
        hits: (N,) 1 where that class is right, else 0.
    """
    numbers = torch.arange(bins, device=confidences.device)
    of_sample = torch.bucketize(confidences.double(), numbers[1:].double() / bins)
    columns = torch.stack((torch.ones_like(confidences), hits, confidences), dim=1).double()
    sums = (of_sample == numbers.unsqueeze(1)).double() @ columns  # a product, for it adds in one order on every run
    count = sums[:, :1]
    return torch.cat((count, sums[:, 1:] / count.clamp(min=1)), dim=1)


def calibration_error(table: Tensor) -> Tensor:
    """Scalar, a fraction from 0 to 1: sum over bins of (samples / N) |share right - mean confidence|.

    Args:
        table: (M, 3) of :func:`reliability`.
    """
    count, right, confidence = table.unbind(1)
    return (count * (right - confidence).abs()).sum() / count.sum()
