"""`sparsetune study FILE --dry-run` as a user types it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from typer.testing import CliRunner, Result

from sparsetune.app.forecast.estimate import Probed
from sparsetune.app.forecast.machine import Room
from sparsetune.app.forecast.probe import Process
from sparsetune.app.forecast.study import Forecast, reckon
from sparsetune.app.study import load
from sparsetune.base.messages import Key, Run, State
from sparsetune.base.yaml_io import parse
from sparsetune.cli import app
from sparsetune.config.space import load_space
from sparsetune.show.forecast import forecast_lines
from sparsetune.show.space import point_lines, space_lines
from sparsetune.testing.studies import command, write_study


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_URI", "RAY_ADDRESS", "SPARSETUNE_DATA"):
        monkeypatch.delenv(name, raising=False)


def call(*words: Any) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def tree(root: Path) -> dict[str, tuple[int, int]]:
    """Every file and folder: size and time of its last change."""
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in (root, *root.rglob("*"))}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A dry run of the small study, probes included."""
    root, temporary = tmp_path_factory.mktemp("shown"), tmp_path_factory.mktemp("temporary")
    file = write_study(root)
    before = tree(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(temporary))
        result = call("study", file, "--in-process", "--dry-run")
    assert tree(root) == before  # nothing is written in the project
    assert not list(temporary.iterdir())
    return file, result


def test_it_is_a_study_file_of_the_same_meaning(shown: tuple[Path, Result]) -> None:
    file, result = shown
    assert result.exit_code == 0, result.stderr
    again = file.with_name("again.yaml")
    again.write_text(result.stdout)
    study, original = load(again), load(file)
    assert study.resolved() == original.resolved()
    assert parse(result.stdout, source="stdout")["study"] == "small"


def test_it_ends_with_the_space_the_configs_the_probe_and_the_forecast(shown: tuple[Path, Result]) -> None:
    lines = shown[1].stdout.splitlines()
    of_space = [line for line in lines if line.startswith("#   training.momentum")]
    assert "0.5 to 0.95, if training.optimizer is sgd" in of_space[0]
    assert sum(line.startswith("# - method.target_activation: ") for line in lines) == 3
    assert sum("4 of 4" in line for line in lines) == 3  # configs that were trained to their end
    assert any("time    5 trials x " in line and "1 worker: about " in line for line in lines)
    assert any("memory  1 worker x " in line for line in lines)
    assert any("disk    5 trials x " in line for line in lines)
    assert all(len(line) <= 80 for line in lines[lines.index("# the space") :])
    assert "Ray" not in shown[1].stdout
    assert "probing" in shown[1].stderr
    assert "probing" not in shown[1].stdout


def test_a_config_that_fails_is_shown_with_its_reason(tmp_path: Path) -> None:
    file = write_study(tmp_path, method="dense", space=None)
    goal = "objectives=[{metric: val_loss, goal: minimize}]"
    result = call("study", file, "--in-process", "--dry-run", "--set", "training.lr=1e30", "--set", goal)
    assert result.exit_code == 1
    assert result.stdout.count("failed: ") == 1  # all three are the same config
    assert "loss became" in result.stdout
    assert "no forecast" in result.stdout
    assert not (tmp_path / "mlruns").exists()


def test_a_metric_that_is_never_a_number_is_refused(tmp_path: Path) -> None:
    (tmp_path / "search_spaces").mkdir()
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "own.py").write_text(
        "from sparsetune.config.metrics import Metric\n"
        "def broken(outputs, targets):\n    return float('nan')\n"
        "METRICS = {Metric('broken', '', 'maximize', 'end', 'none'): broken}\n"
    )
    goal = {"objectives": [{"metric": "broken", "goal": "maximize"}], "import": ["own.py"]}
    file = write_study(tmp_path, method="dense", space={"training.lr": {"float": [0.01, 0.1]}}, **goal)
    result = call("study", file, "--in-process", "--dry-run", "--set", "training.epochs=1")
    assert result.exit_code == 2, result.stderr
    line = result.stderr.strip().splitlines()[-1]
    assert line.startswith(f"error: {file}: objectives.0.metric: 'broken' was no number in 3 probed configs")
    assert "forecast, an estimate from these" in result.stdout
    assert not (tmp_path / "mlruns").exists()


def test_without_a_probe_it_is_the_same_each_time_and_trains_nothing(tmp_path: Path) -> None:
    file = write_study(tmp_path)
    first, second = (call("study", file, "--dry-run", "--no-probe") for _ in range(2))
    assert (first.exit_code, first.stderr) == (0, "")
    assert first.stdout == second.stdout
    assert "# the space" in first.stdout
    assert "forecast" not in first.stdout


def test_it_opens_no_database(tmp_path: Path) -> None:
    """What Optuna's tables need takes longer to load than the rest."""
    code = (
        "import sys\nfrom sparsetune.cli import main\ntry:\n    main()\nexcept SystemExit as end:\n"
        "    print(end.code, 'optuna' in sys.modules, 'sqlalchemy' in sys.modules)"
    )
    words = [sys.executable, "-c", code, "study", str(write_study(tmp_path)), "--dry-run", "--no-probe"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.splitlines()[-1] == "0 True False", done.stderr


def run_old(root: Path) -> None:
    """A study `old` of two complete trials, one that failed and one without an end; nothing is trained."""
    from sparsetune.search.ledger import Ledger

    study = load(write_study(root, study="old"))
    study.project.runs.mkdir()
    ledger = Ledger(study, {}, print)
    states: tuple[State, ...] = ("COMPLETE", "FAIL", "COMPLETE", "RUNNING")
    for state in states:
        number = ledger.ask().number
        if state != "RUNNING":
            ledger.tell(number, state, [Run(Key(number), state, {"val_accuracy": 0.5, "compute_saved": 0.1 * number})])


def known_points(file: Path) -> list[str]:
    result = call("study", file, "--dry-run", "--no-probe")
    assert (result.exit_code, result.stderr) == (0, "")
    again = file.with_name("again.yaml")
    again.write_text(result.stdout)
    assert load(again).resolved() == load(file).resolved()
    again.unlink()
    return [line for line in result.stdout.splitlines() if "known point" in line]


def test_it_says_with_how_many_known_points_a_study_begins(tmp_path: Path) -> None:
    """Points of the file, and trials of another study, whose results may be taken over."""
    run_old(tmp_path)
    points = [{"method.target_activation": 0.5}, {"all_of": "old"}]
    file = write_study(tmp_path, start_with=points)
    before = tree(tmp_path / "mlruns")
    assert known_points(file) == ["# before them come 3 known points, 2 with results of other studies"]
    assert tree(tmp_path / "mlruns") == before, "and writes nothing"
    best = write_study(tmp_path, start_with=[{"best_of": "old"}])
    assert known_points(best) == ["# before them comes 1 known point, 1 with results of other studies"]
    assert known_points(write_study(tmp_path, start_with=points[:1])) == [
        "# before them comes 1 known point, 0 with results of other studies"
    ]
    assert known_points(write_study(tmp_path)) == []


def test_known_points_that_cannot_be_are_one_line(tmp_path: Path) -> None:
    run_old(tmp_path)
    result = call("study", write_study(tmp_path, start_with=[{"all_of": "olt"}]), "--dry-run", "--no-probe")
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.strip().splitlines()
    assert "start_with.0.all_of: unknown study 'olt'; did you mean 'old'?" in line


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("mnist", "data.root: no train-images-idx3-ubyte"),
        ({"name": "tabular", "path": "none.csv", "target": "y"}, "data.path: no file "),
        (
            {"name": "folder", "train_dir": "/does/not/exist"},
            "data.train_dir: found '/does/not/exist', but there is no",
        ),
        ({"name": "hf", "path": "/does/not/exist"}, "data.path: found '/does/not/exist', but there is no folder"),
    ],
)
def test_files_that_are_not_there_are_refused_without_a_probe_too(data: Any, problem: str, tmp_path: Path) -> None:
    file = write_study(tmp_path, data=data, space=None, method="dense")
    goal = "objectives=[{metric: val_loss, goal: minimize}]"
    result = call("study", file, "--dry-run", "--no-probe", "--set", goal)
    assert result.exit_code == 2
    assert "study: small" in result.stdout
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith(f"error: {file}: {problem}")


def test_no_probe_alone_is_refused(tmp_path: Path) -> None:
    result = call("study", write_study(tmp_path), "--in-process", "--no-probe")
    assert (result.exit_code, "--no-probe" in result.stderr) == (2, True)
    assert not (tmp_path / "mlruns").exists()


@pytest.mark.parametrize(
    ("changes", "options", "word"),
    [
        ({"data": "mnist", "model": "lenet5"}, ("--in-process",), "data.root"),
        ({"resources": {"gpus": 512}}, (), "resources.gpus"),
        ({}, ("--workers", "4096"), "--workers"),
    ],
)
def test_what_a_start_would_refuse_comes_after_the_study_and_is_one_line(
    changes: dict[str, Any], options: tuple[str, ...], word: str, tmp_path: Path
) -> None:
    result = call("study", write_study(tmp_path, **changes), "--dry-run", *options)
    assert result.exit_code == 2
    assert "study: small" in result.stdout
    (line,) = result.stderr.strip().splitlines()
    assert word in line
    assert not (tmp_path / "mlruns").exists()


def dying(file: Path, temporary: Path, how: signal.Signals) -> tuple[int, str, list[psutil.Process]]:
    """Send a signal to a dry run whose probe runs: its exit code, what it said, and its children that go on."""
    temporary.mkdir()
    dry_run = subprocess.Popen(
        command(file, "--dry-run", "--in-process"),
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert dry_run.stderr is not None
    assert "probing" in dry_run.stderr.readline()
    children = psutil.Process(dry_run.pid).children(recursive=True)
    assert children
    dry_run.send_signal(how)
    said = dry_run.communicate(timeout=60)[1]
    return dry_run.returncode, said, psutil.wait_procs(children, timeout=60)[1]


@pytest.mark.slow
def test_ctrl_c_ends_the_probe_too(tmp_path: Path) -> None:
    file = write_study(tmp_path, training={"epochs": 1_000_000})
    code, said, alive = dying(file, tmp_path / "temporary", signal.SIGINT)
    assert (code, alive) == (130, [])
    assert "Traceback" not in said
    assert not list((tmp_path / "temporary").iterdir())


@pytest.mark.slow
def test_a_probe_does_not_outlive_who_asked(tmp_path: Path) -> None:
    file = write_study(tmp_path, training={"epochs": 1_000_000})
    code, _, alive = dying(file, tmp_path / "temporary", signal.SIGKILL)
    assert (code, alive) == (-signal.SIGKILL, [])
    assert not list((tmp_path / "temporary").iterdir())


LONG = Probed(
    epochs=0.25,
    rows=1,
    planned=200,
    epoch_seconds=100.0,
    fixed_seconds=40.0,
    metrics=12,
    files={"weights.safetensors": 400_000_000},
    checkpoint_bytes=1.2e9,
)


def lines_of(tmp_path: Path, room: Room, probed: list[Probed], process: Process, **changes: Any) -> list[str]:
    study = load(write_study(tmp_path, **changes))
    found = Forecast(100, 900, room, configs=3, probed=probed, process=process)
    return list(forecast_lines(study, reckon(study, found)))


def test_a_long_study_is_forecast_in_hours_and_what_does_not_fit_is_a_warning(tmp_path: Path) -> None:
    process = Process(8.0, peak_bytes=10**15, device="GPU", gpu_peak_bytes=30 * 10**9, gpu_free_bytes=40 * 10**9)
    changes = {
        "training": {"epochs": 200, "early_stop_patience": 5},
        "pruner": "median",
        "objectives": [{"metric": "val_loss", "goal": "minimize"}],
    }
    lines = lines_of(tmp_path, Room(8, 0.5), [LONG, LONG], process, **changes)
    text = "\n".join(lines)
    assert "100 trials ended before, 900 left" in text
    assert "0.25 of 200" in text
    assert "the time was up before the other 1" in text
    # 200 epochs of 100 s and 40 s: 5.57 h, in 113 rounds
    assert "900 trials x 5.6 h / 8 workers: about 629 h (26 days)" in text
    assert "cheapest" not in text  # both cost the same
    assert "the median pruner and early stopping may end trials sooner" in text
    assert "8 workers x 1 PB = 8 PB" in text
    assert "warning: not one fits" in text
    assert "on a GPU: 2 trials x 30 GB" in text
    assert "a larger resources.gpus" in text
    assert [line for line in lines if len(line) > 78] == []


def test_a_cluster_gets_hours_of_work(tmp_path: Path) -> None:
    cheap = replace(LONG, epoch_seconds=50.0)
    text = "\n".join(lines_of(tmp_path, Room(None, 0), [LONG, cheap], Process(peak_bytes=10**9, device="cpu")))
    assert "900 trials x 4.2 h: about 3,760 h (157 days) of work for the cluster's workers" in text
    assert "2,510 h (105 days) to 5,010 h (209 days) if all were like" in text
    assert "1 GB a worker" in text
    assert "Ray" in text


def test_fewer_workers_may_fit(tmp_path: Path) -> None:
    study = load(write_study(tmp_path))
    found = reckon(study, Forecast(0, 9, Room(8, 0), probed=[LONG], process=Process(peak_bytes=300)))
    text = "\n".join(forecast_lines(study, replace(found, free_memory=1000)))
    assert "8 workers x 300 B = 2.4 kB, and the study itself; free: 1 kB" in text
    assert "warning: does not fit; use --workers 3" in text
    assert "warning" not in "\n".join(forecast_lines(study, replace(found, free_memory=2400)))


@pytest.mark.parametrize("full", [False, True])
def test_a_disk_that_is_too_small_is_a_warning(full: bool, tmp_path: Path) -> None:
    files = {"weights.safetensors": 10**15 if full else 1}
    lines = lines_of(tmp_path, Room(1, 0), [replace(LONG, files=files)], Process(peak_bytes=1))
    where = next(index for index, line in enumerate(lines) if "in mlruns" in line)
    assert lines[where + 1 :] == (["          warning: does not fit"] if full else [])


def test_a_space_in_words(tmp_path: Path) -> None:
    written = {
        "training.optimizer": {"choice": ["sgd", "adam", None]},
        "training.lr": {"float": [1e-4, 0.1], "log": True},
        "training.batch_size": {"int": [16, 64], "step": 16, "when": {"training.optimizer": ["sgd", "adam"]}},
    }
    space = load_space(written, folder=tmp_path, source="here")
    assert space_lines(space) == [
        "  training.optimizer   sgd, adam or null",
        "  training.lr          0.0001 to 0.1, log scale",
        "  training.batch_size  16 to 64 in steps of 16, if training.optimizer is sgd or adam",
    ]
    assert space_lines(load_space(None, folder=tmp_path, source="here")) == [
        "  nothing varies: all trials have the same config"
    ]
    assert point_lines([{"a": 0.123456789, "b": None}, {"a": 3, "b": "sgd"}]) == [
        "- a: 0.123457",
        "  b: null",
        "- a: 3",
        "  b: sgd",
    ]
