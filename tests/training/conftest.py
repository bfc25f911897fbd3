"""What the training core's tests share."""

from collections.abc import Iterator

import pytest

from sparsetune.testing.recorder import recorder_registered
from sparsetune.testing.threads import one_thread

__all__ = ["one_thread"]


@pytest.fixture
def recorder() -> Iterator[None]:
    """A trial's config can name ``recorder``."""
    with recorder_registered():
        yield
