"""What the tests of commands share."""

import pytest


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 100 columns, and no word of the environment about stores and data."""
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("MLFLOW_TRACKING_URI", "SPARSETUNE_DATA"):
        monkeypatch.delenv(name, raising=False)
