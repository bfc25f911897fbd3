"""How well each class is told from the others, as means in which all classes weigh alike.

A mean is over the classes that the split has: of one that no sample is of, nothing can be said. ``targets`` are (N,)
int64 classes from 0 to C - 1. All stays on its device, which is not waited for.

Sources: K. H. Brodersen et al., The balanced accuracy and its posterior distribution (2010); J. Opitz, S. Burst, Macro
F1 and Macro F1 (2019), of whose two it is the mean of F1 scores; J. A. Hanley, B. J. McNeil, The meaning and use of the
area under a receiver operating characteristic curve (1982).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_LN_HALF = math.log(0.5)
_AT_ONCE = 1 << 22  # scores that are ordered together: a few tensors of 32 MB


def recall_and_f1(predicted: Tensor, hits: Tensor, targets: Tensor, classes: int) -> Tensor:
    """(2,) float64, fractions: balanced accuracy, which is the mean recall of a class, and macro F1.

    Recall is TP / (TP + FN), F1 is 2 TP / (2 TP + FP + FN); a class that is never predicted has 0 of both.

    Args:
        predicted: (N,) int64 classes.
        hits: (N,) float64, 1 where that is the sample's own class, else 0.
    """
    of_class = torch.zeros(classes, dtype=torch.float64, device=targets.device)
    true = of_class.index_add(0, targets, hits)  # whole numbers: exact, in whatever order they are added
    samples = of_class.index_add(0, targets, torch.ones_like(hits))
    claimed = of_class.index_add(0, predicted, torch.ones_like(hits))
    scores = torch.stack((true / samples.clamp(min=1), 2 * true / (samples + claimed).clamp(min=1)))
    return scores.sum(1) / (samples > 0).sum()  # of a class without samples both are 0


def area_under_roc(outputs: Tensor, targets: Tensor) -> Tensor:
    """Scalar, a fraction: the chance that a sample of a class scores higher than one of another; a tie is half of it.

    Of two classes that is the usual area, of more the mean over classes, each against the rest. Scores are in the order
    of the class's probability and still tell apart what rounds to 1; those that agree to single precision tie. NaN
    where the split has one class only, or an output is no number.

    Args:
        outputs: (N, C) logits or log-probabilities, N at least 1.
    """
    rows, columns = (max(1, _AT_ONCE // size) for size in (outputs.shape[1], len(outputs)))
    scores = torch.cat([_scores(part) for part in outputs.split(rows)])
    classes = torch.arange(outputs.shape[1], device=outputs.device)
    areas = torch.cat(
        [_areas(s, targets, c) for s, c in zip(scores.T.split(columns), classes.split(columns), strict=True)]
    )
    return torch.where(scores.isnan().any(), torch.nan, areas.nanmean())


def _scores(outputs: Tensor) -> Tensor:
    """(N, C) float32, rising with p: ln p up to a half, and 2 ln(1/2) - ln(1 - p) beyond, where 1 - p is added up."""
    wide = outputs.double()
    log_p = wide - wide.logsumexp(1, keepdim=True)
    likeliest = log_p.argmax(1, keepdim=True)
    top = log_p.gather(1, likeliest)
    beyond = 2 * _LN_HALF - log_p.scatter(1, likeliest, -torch.inf).logsumexp(1, keepdim=True)
    return log_p.scatter(1, likeliest, torch.where(top > _LN_HALF, beyond, top)).float()


def _areas(scores: Tensor, targets: Tensor, classes: Tensor) -> Tensor:
    """(c,) float64: the area of each class, by the ranks of its samples' scores; NaN where one side is empty.

    Args:
        scores: (c, N), of those classes (c,).
    """
    count = scores.shape[1]
    ordered, order = scores.contiguous().sort(dim=1)
    position = torch.arange(count, device=scores.device).expand_as(ordered)
    new = torch.ones_like(ordered, dtype=torch.bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = torch.where(new, position, 0).cummax(1).values  # of the equal ones around each, counted from 0
    last = torch.where(new.roll(-1, 1), position, count).flip(1).cummin(1).values.flip(1)
    own = targets[order] == classes.unsqueeze(1)
    doubled = ((first + last + 2) * own).sum(1)  # twice the ranks, equals have their mean: whole numbers
    inside = own.sum(1)
    pairs = inside * (count - inside)
    return torch.where(pairs > 0, (doubled - inside * (inside + 1)).double() / (2 * pairs), torch.nan)
