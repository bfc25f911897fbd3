"""What a format of network files is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from sparsetune.training.deploy.deployed import Deployed

Words = Mapping[str, Any]
"""What a file says of its network, as plain values."""

ABOUT = "sparsetune"
"""Under this name a file has its words, as JSON."""


@dataclass(frozen=True)
class Format:
    """How networks become files of a kind.

    Attributes:
        suffix: of a file's name.
        content: the file of a network for batches of any size, with its words; raises :class:`BadInput` where a
            package is missing, and whatever the library has against the network.
        running: from such a file to the function that it holds; None: it holds no function, only tensors.
        loading: Python that reads a file, by its path in quotes and its words, a line each.
    """

    suffix: str
    content: Callable[[Deployed, Words], bytes]
    running: Callable[[bytes], Callable[[Tensor], Tensor]] | None
    loading: Callable[[str, Words], tuple[str, ...]]


def as_json(words: Words) -> str:
    """The words as a file has them."""
    return json.dumps(words, ensure_ascii=False)
