"""What all tests share."""

from __future__ import annotations

import signal

import pytest


def pytest_configure() -> None:
    """Ctrl-C works in the tests and in what they start, also where the shell runs them in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """MLflow's own use of SQLAlchemy is deprecated there, which nobody here can mend."""
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"))
