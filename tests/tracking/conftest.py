"""One MLflow database for the session: its migrations cost seconds, so tests differ by experiment."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient
from tracked import Watch

from sparsetune.tracking.mlflow import MlflowTracker


@pytest.fixture(scope="session")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("a project") / "mlflow.db"
    uri = f"sqlite:///{path}"
    MlflowTracker(
        uri, "first", path.parent / "artifacts", study="first", tags={"sparsetune.study_id": "x"}, warn=pytest.fail
    )
    return uri


@pytest.fixture
def client(uri: str) -> MlflowClient:
    return MlflowClient(uri)


@pytest.fixture
def watch(uri: str, tmp_path: Path, request: pytest.FixtureRequest) -> Watch:
    return Watch(uri, f"{request.node.name} / ä", tmp_path / "some artifacts")
