"""Studies where little is as it should be: containers, batch systems, other people's variables and files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import sparsetune
import sparsetune.tracking.mlflow  # a study imports it in a thread, which would meet the next test's filters
from sparsetune.base.surroundings.temporary import LONGEST
from sparsetune.cli import app
from sparsetune.testing.studies import write_study

UID = 12345  # has no name
OWN = ("MLFLOW_TRACKING_URI", "COLUMNS", "XDG_CACHE_HOME", "MPLCONFIGDIR", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
STUDY = [sys.executable, "-P", "-m", "sparsetune", "study"]  # -P: as the installed command, without the current folder


def environment(**variables: str) -> dict[str, str]:
    found = {name: value for name, value in os.environ.items() if name not in OWN}
    return {**found, "OMP_NUM_THREADS": "1", **variables}


def small(root: Path) -> Path:
    return write_study(root, method="dense", space={"training.lr": {"float": [0.01, 0.1]}}, budget={"trials": 2},
                       objectives=[{"metric": "val_accuracy", "goal": "maximize"}])  # fmt: skip


@pytest.mark.slow
def test_it_runs_all_the_same(tmp_path: Path) -> None:
    """On Ray: modules of the libraries' names beside it, no home, temporary folders that cannot serve, `uv run`."""
    file = small(tmp_path)
    for name in ("statistics", "torch", "random", "json", "optuna"):
        text = f"from pathlib import Path; Path({str(tmp_path)!r}, 'executed').touch(); raise RuntimeError({name!r})"
        (tmp_path / f"{name}.py").write_text(text)
    long = tmp_path / ("x" * 150)
    long.mkdir()
    (tmp_path / "run").write_text('"$@"; exit $?\n')  # what makes the shell's command line that of `uv run`
    variables = {"HOME": "/nonexistent", "TMPDIR": str(long), "RAY_TMPDIR": "/dev/null", "RAY_ADDRESS": " "}
    done = subprocess.run(
        ["uv", "run", *STUDY, str(file)], executable=shutil.which("bash"), cwd=tmp_path, timeout=290,
        env=environment(**variables), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "executed").exists()
    place = long / f"sparsetune-{os.getuid()}"
    warnings = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
    why = f"a path of {len(str(long))} bytes is too long for sockets, which allow {LONGEST}"
    assert warnings == [
        f"warning: HOME: /nonexistent is not there: {place} holds caches and Ray's token instead",
        f"warning: RAY_TMPDIR: /dev/null is no folder, TMPDIR: {why}; Ray's files go to /tmp",
    ]
    assert "(raylet)" not in done.stdout + done.stderr
    assert re.search(r"^Time: .* from first start to last end$", done.stdout, re.MULTILINE), "it is not wrapped"


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("127.0.0.1", "no port; set RAY_ADDRESS to the cluster's own port, 127.0.0.1:6379 unless"),
        ("http://127.0.0.1:8265", "that is where the dashboard is and `ray job submit` goes; set RAY_ADDRESS to the"),
        ("ray://127.0.0.1:10001", "a study does not run through Ray's client; start the study on a machine"),
    ],
)
@pytest.mark.parametrize("options", [(), ("--dry-run", "--no-probe")])
def test_an_address_that_cannot_be_is_one_line(
    value: str, line: str, options: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", value)
    file = small(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    result = CliRunner().invoke(app, ["study", str(file), *options])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: RAY_ADDRESS: found {value}: {line}")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    assert sorted(tmp_path.rglob("*")) == before


def test_in_process_and_for_a_study_that_is_done_the_address_is_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1")
    for options in (("--in-process",), ()):
        assert CliRunner().invoke(app, ["study", str(small(tmp_path)), *options]).exit_code == 0


@pytest.fixture
def shared() -> Iterator[Path]:
    """A project that a user without a name may enter and write to."""
    root = Path(tempfile.mkdtemp(prefix="sparsetune-test-"))
    root.chmod(0o755)
    yield root
    shutil.rmtree(root)


def as_nobody(*words: object, environ: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python as a user without a name; skips where that cannot be."""
    if os.getuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("wants root and setpriv")
    switch = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    twice = "import subprocess, sys; subprocess.run([sys.executable, '-c', ''], check=True); "
    for python in (sys.executable, shutil.which(f"python{ours}", path="/usr/bin:/usr/local/bin")):
        version = [*switch, str(python), "-c", f"{twice}print(*sys.version_info[:2], sep='.')"]
        if python and subprocess.run(version, env={}, capture_output=True, text=True).stdout.strip() == ours:
            break
    else:
        pytest.skip("no Python here that another user may start")
    path = [str(Path(sparsetune.__file__).parents[1]), *(each for each in sys.path if each.endswith("site-packages"))]
    variables = {"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(path), "PYTHONDONTWRITEBYTECODE": "1", **environ}
    return subprocess.run([*switch, str(python), "-P", "-m", "sparsetune", *map(str, words)],
                          env=variables, cwd=cwd, capture_output=True, text=True, timeout=250)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("home", [None, "/", "/nonexistent", "LOCKED"])
def test_a_user_without_a_name_and_a_home(home: str | None, shared: Path) -> None:
    file = small(shared)
    for path in (shared, *shared.rglob("*")):
        os.chown(path, UID, UID)
    locked = shared / "locked"
    locked.mkdir()  # root's: it can be read
    environ = {} if home is None else {"HOME": home.replace("LOCKED", str(locked))}
    environ["TMPDIR"] = str(shared)
    done = as_nobody("study", file, environ=environ, cwd=shared)
    assert done.returncode == 0, done.stderr
    (remark,) = [line for line in done.stderr.splitlines() if line.startswith("warning: ") and "caches" in line]
    assert remark.endswith(f": {shared}/sparsetune-{UID} holds caches and Ray's token instead")
    assert list(locked.iterdir()) == []
    found = as_nobody("doctor", environ=environ, cwd=shared)
    assert "note    home" in found.stdout, found.stdout + found.stderr
    assert "cannot be checked" not in found.stdout


@pytest.mark.slow
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="wants two processors")
def test_taskset_bounds_the_workers(tmp_path: Path) -> None:
    one = ["taskset", "--cpu-list", str(min(os.sched_getaffinity(0)))]
    file = str(small(tmp_path))
    done = subprocess.run([*one, *STUDY, file, "--workers", "2"], env=environment(), capture_output=True, text=True)
    line = f"error: {file}: workers: found 2: Ray has room for 1 such trials at once"
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, line)
    assert not (tmp_path / "mlruns").exists()
    done = subprocess.run([*one, *STUDY, file], env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
