"""What is installed from a wheel runs a project outside the repository, with a file of its own, on Ray."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from .files import TOY, project

ROOT = Path(__file__).parents[2]


def call(*words: object, cwd: Path) -> str:
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MLFLOW_TRACKING_URI")}
    environment = {**kept, "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def installed(folder: Path) -> Path:
    """The ``bin`` of an environment with the wheel; all other packages are those of this one."""
    source = folder / "source"
    shutil.copytree(ROOT / "sparsetune", source / "sparsetune", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    call(*pip, "wheel", ".", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, cwd=source)
    (wheel,) = folder.glob("*.whl")
    call(sys.executable, "-m", "venv", "--without-pip", "installed", cwd=folder)
    there = folder / "installed" / "bin"
    (site,) = (folder / "installed" / "lib").glob("python*/site-packages")
    (site / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n")  # behind what is installed here
    call(*pip, f"--python={there / 'python'}", "install", "--no-deps", "--ignore-installed", wheel, cwd=folder)
    return there


@pytest.mark.slow
def test_a_study_from_an_installed_wheel(tmp_path: Path) -> None:
    programs = installed(tmp_path)
    file = project(tmp_path / "project", TOY, budget={"trials": 4})
    where = call(programs / "python", "-c", "import sparsetune; print(sparsetune.__file__)", cwd=file.parent)
    assert where.startswith(str(tmp_path / "installed"))
    call(programs / "sparsetune", "study", file, "--workers", 2, cwd=tmp_path)
    table = call(programs / "sparsetune", "export", "small", "--csv", cwd=file.parent)
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["state"] for row in rows] == ["COMPLETE"] * 4
    for row in rows:
        drawn = float(row["params.method.density"])
        assert float(row["metrics.density"]) == pytest.approx(drawn, abs=1e-3)
        assert drawn < float(row["metrics.norm_kept"]) <= 1
        assert float(row["metrics.margin"]) != float(row["metrics.test_margin"])
