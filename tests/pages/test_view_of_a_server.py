"""A tracking server of MLflow shows a study's prepared view, too."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from chromium import Drawn, browsing, charts, needs_chromium, table, visit
from helpers.servers import mlflow_server
from studied import STUDIES

import sparsetune
from sparsetune.testing.studies import start, write_study

pytestmark = [pytest.mark.slow, needs_chromium, pytest.mark.timeout(900)]


def test_at_the_addresses_that_ui_prints(tmp_path: Path) -> None:
    root = tmp_path / "project"
    with mlflow_server(tmp_path / "server", "--artifacts-destination", str(tmp_path / "files")) as uri:
        study = start(write_study(root, **STUDIES["one"], study="one", tracking={"uri": uri}), "--in-process")
        told, _ = study.communicate()
        assert study.returncode == 0, told
        said = subprocess.run(
            [sys.executable, "-m", "sparsetune", "ui", "one", "--uri", uri],
            cwd=root, stdout=subprocess.PIPE, text=True, check=True,
        ).stdout  # fmt: skip
        runs, drawn = re.findall(rf"{uri}/#\S+", said)
        rows = sparsetune.load("one", root=root).stored.rows
        assert len(rows) == STUDIES["one"]["budget"]["trials"]
        with browsing(uri, 1500, 1300) as page:
            visit(page, runs)
            heads, cells = table(page, len(rows))
            visit(page, drawn)
            shown = charts(page)
    names = [head.partition("`")[2].rstrip("`") for head, _ in heads if head.startswith(("metrics", "params"))]
    assert names == ["val_accuracy", "training.lr", "training.batch_size"]
    accuracies = [float(cell["metrics.`val_accuracy`"].rstrip("…")) for cell in cells]
    assert accuracies == sorted(accuracies, reverse=True), "the best first"
    assert shown[0] == Drawn("History", "trial vs. val_accuracy", "points", len(rows))
    assert [each.kind for each in shown] == ["points", "parallel", "contour", "lines"]
