"""One Ray for the tests of this folder: it pretends to have four CPUs and two GPUs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


@pytest.fixture(scope="session")
def cluster() -> Iterator[None]:
    import ray

    from sparsetune.execution.ray_start import environment

    workers = environment(sys.executable)
    ray.init(address="local", num_cpus=4, num_gpus=2, include_dashboard=False, log_to_driver=False, runtime_env=workers)
    yield
    ray.shutdown()
