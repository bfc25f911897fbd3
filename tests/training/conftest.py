"""What the training core's tests share."""

from collections.abc import Iterator

import pytest
from helpers.threads import one_thread

from training.recorder import recorder_registered

__all__ = ["one_thread"]


@pytest.fixture
def recorder() -> Iterator[None]:
    """A trial's config can name ``recorder``."""
    with recorder_registered():
        yield
