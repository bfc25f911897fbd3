"""What all tests share."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator

import pytest


def pytest_configure() -> None:
    """Ctrl-C works in the tests and in what they start, also where the shell runs them in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """MLflow's own use of SQLAlchemy is deprecated there, which nobody here can mend."""
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"))


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Decoded data go to a folder of the tests, also those of the processes that they start."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARSETUNE_CACHE", str(folder))
        yield
    shutil.rmtree(folder, ignore_errors=True)
