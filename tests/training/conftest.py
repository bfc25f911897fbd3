"""What the training core's tests share."""

from collections.abc import Iterator

import pytest
import torch

from sparsetune.testing.recorder import recorder_registered


@pytest.fixture
def recorder() -> Iterator[None]:
    """A trial's config can name ``recorder``."""
    with recorder_registered():
        yield


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks are slower with more, and the machine may be busy; restored afterwards."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
