"""What all tests share."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# a busy machine is no fault of what is tested
settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")


def pytest_configure() -> None:
    """Ctrl-C works in the tests and in what they start, also where the shell runs them in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest goes first, lest one process ends long after the other.

    MLflow's own use of SQLAlchemy is deprecated there, which nobody here can mend.
    """
    items.sort(key=lambda item: item.path.parent.name not in ("faults", "execution"))
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


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The epochs that are trained in this process from here on, one entry each."""
    from sparsetune.training.randomness import Order

    epochs: list[int] = []
    real = Order.next

    def counting(order: Order, counters: Any, steps: int) -> Any:
        if not counters.step:
            epochs.append(counters.epochs)
        return real(order, counters, steps)

    monkeypatch.setattr(Order, "next", counting)
    return epochs


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts an empty module in the place of a database's driver, until the test ends."""

    def import_empty(driver: str) -> None:
        module = ModuleType(driver)
        module.paramstyle = "pyformat"  # type: ignore[attr-defined]
        module.__spec__ = ModuleSpec(driver, loader=None)
        monkeypatch.setitem(sys.modules, driver, module)

    return import_empty


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Sets the time zone of this process, and of those that it starts."""

    def live_in(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield live_in
    monkeypatch.undo()
    time.tzset()
