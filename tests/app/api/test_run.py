"""`sparsetune.run`: studies run from a script or a notebook."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sparsetune
from sparsetune.testing.studies import write_study


def test_run_goes_on_where_the_last_run_ended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_study(tmp_path)
    first = sparsetune.run(file, trials=2, in_process=True)
    second = sparsetune.run(str(file), trials=np.int64(3), set={"pruner": "none"}, in_process=True)
    assert (len(first.trials), len(second.trials)) == (2, 3)
    assert second.stored.trials[:2] == first.stored.trials
    assert second.counts == {"COMPLETE": 3, "PRUNED": 0, "FAIL": 0, "RUNNING": 0}
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("COMPLETE") == 3


def test_without_progress_nothing_is_shown(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    sparsetune.run(write_study(tmp_path), trials=1, in_process=True, progress=False)
    assert capfd.readouterr() == ("", "")


def test_set_takes_what_python_has(tmp_path: Path) -> None:
    values = {"model.hidden": (np.int64(8),), "training.lr": np.float64(0.05), "training.batch_size": np.int64(100)}
    result = sparsetune.run(
        write_study(tmp_path), trials=1, in_process=True, progress=False, set={**values, "data": {"name": "digits"}}
    )
    config = result.config(0)
    assert (config["model"]["hidden"], config["training"]["lr"], config["training"]["batch_size"]) == ([8], 0.05, 100)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"set": {"training.epoch": 3}}, "set: training.epoch: unknown key 'epoch'; did you mean 'epochs'"),
        ({"set": "training.epochs=3"}, "set: found 'training.epochs=3', allowed: a mapping of dotted names"),
        ({"set": {"training..epochs": 3}}, "set: found 'training..epochs', allowed: a dotted name"),
        ({"set": {"training.lr": object()}}, "set: training.lr: found <object"),
        ({"trials": 0}, "trials: found 0, allowed: a whole number from 1"),
        ({"workers": "2"}, "workers: found '2', allowed: a whole number from 1"),
        ({"workers": 2, "in_process": True}, "workers: found 2, allowed: 1 with in_process=True"),
        ({"path": "none.yaml"}, "none.yaml: no such file"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(arguments: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(sparsetune.BadInput) as caught:
        sparsetune.run(**{"path": write_study(tmp_path), **arguments})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "mlruns").exists()


def test_run_from_a_thread(tmp_path: Path) -> None:
    """Where Python takes no signals and other code may wait for the main one."""
    found: list[sparsetune.StudyResult] = []
    file = write_study(tmp_path)
    thread = threading.Thread(
        target=lambda: found.append(sparsetune.run(file, trials=2, in_process=True, progress=False))
    )
    thread.start()
    thread.join()
    (result,) = found
    assert result.counts["COMPLETE"] == 2


@pytest.mark.slow
def test_ray_starts_and_ends_with_each_call_in_a_thread_too(tmp_path: Path) -> None:
    import ray

    file = write_study(tmp_path)
    found: list[int] = []

    def more(trials: int) -> None:
        found.append(len(sparsetune.run(file, trials=trials, workers=2, progress=False).trials))
        assert not ray.is_initialized()

    thread = threading.Thread(target=more, args=(2,))
    thread.start()
    thread.join()
    more(4)
    assert found == [2, 4]


def test_the_wheel_says_that_it_is_typed(tmp_path: Path) -> None:
    """Without py.typed a user's mypy takes every name of the package for Any."""
    here = Path(sparsetune.__file__).parent
    for name in ("pyproject.toml", "README.md"):
        (tmp_path / name).write_text((here.parent / name).read_text())
    (tmp_path / "sparsetune").symlink_to(here)
    build = "import sys; from hatchling.build import build_wheel; print(build_wheel('.'))"
    done = subprocess.run(
        [sys.executable, "-c", build], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    listed = subprocess.run([sys.executable, "-m", "zipfile", "-l", wheel], capture_output=True, text=True, check=True)
    assert "sparsetune/py.typed" in listed.stdout
    assert "sparsetune/app/api/calls.py" in listed.stdout
    assert "sparsetune/starter/studies/ast_pi.yaml" in listed.stdout
