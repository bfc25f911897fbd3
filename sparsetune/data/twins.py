"""Images that are in two splits, pixel for pixel."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from sparsetune.data.pools import Array


def shared(marks: Mapping[str, Array]) -> tuple[int, dict[tuple[str, str], int]]:
    """How many different images are in more than one split, and how many in each pair of splits that shares some.

    Args:
        marks: by split, a number for each image (N,); equal for equal pixels.
    """
    twins = {(one, two): np.intersect1d(marks[one], marks[two]) for one, two in combinations(marks, 2)}
    found = {pair: len(each) for pair, each in twins.items() if len(each)}
    return len(np.unique(np.concatenate(list(twins.values())))), found
