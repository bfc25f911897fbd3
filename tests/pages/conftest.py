"""MLflow's UI on studies that were run for real."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from helpers.servers import answer, free_port, serving
from studied import STUDIES, Pages, run_studies


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    root, port = tmp_path_factory.mktemp("pages"), free_port()
    run_studies(root, *STUDIES)
    with serving(sys.executable, "-m", "sparsetune", "ui", "one", "--port", str(port), cwd=root):
        base = f"http://127.0.0.1:{port}"
        answer(f"{base}/api/2.0/mlflow/experiments/get-by-name?experiment_name=one")
        yield Pages(root, base)
