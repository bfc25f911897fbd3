"""The doctor: looks, changes nothing, and says what mends what it finds."""

from __future__ import annotations

import fcntl
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from typer.testing import CliRunner, Result

from sparsetune.base.paths import Project
from sparsetune.base.surroundings.home import settle
from sparsetune.base.surroundings.processors import Processors
from sparsetune.cli import app
from sparsetune.doctor import cluster, gpus, machine, software, stores
from sparsetune.doctor import project as of_project
from sparsetune.doctor.checks import CHECKS, carry_out
from sparsetune.doctor.finding import Finding
from sparsetune.doctor.gpus import DriverGpus, TorchGpus

GB = 10**9


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing that this user has set up matters."""
    ours = ("MLFLOW_TRACKING_URI", "SPARSETUNE_DATA", "COLUMNS", "FORCE_COLOR")
    for name in (*ours, "RAY_ADDRESS", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_TMPDIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "p" / "search_spaces").mkdir(parents=True)
    return Project(tmp_path / "p")


def doctor(*words: object) -> Result:
    return CliRunner().invoke(app, ["doctor", *map(str, words)])


def content(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def only(found: Iterator[Finding]) -> Finding:
    (finding,) = found
    return finding


def test_all_is_well_in_a_new_project_and_nothing_is_made(project: Project) -> None:
    before = content(project.root)
    result = doctor("--root", project.root, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert {"Python", "packages", "project", "storage", "MLflow", "Ray", "data", "GPUs"} <= {
        each["what"] for each in found
    }
    assert {each["state"] for each in found} <= {"ok", "note"}
    assert content(project.root) == before


def test_a_line_each_and_the_sum(project: Project) -> None:
    result = doctor("--root", project.root)
    lines = result.stdout.splitlines()
    assert "ok      Python" in lines[0]
    assert any(line.startswith("note    data") and "mnist" in line for line in lines)
    assert "        -> sparsetune data fetch NAME" in lines
    assert lines[-1].endswith("0 to mend")


def test_outside_a_project_it_looks_at_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    result = doctor("--json")
    assert result.exit_code == 0
    note = next(each for each in json.loads(result.stdout) if each["what"] == "project")
    assert (note["state"], "sparsetune init" in note["mend"]) == ("note", True)
    assert list((tmp_path / "empty").iterdir()) == []
    assert doctor("--root", tmp_path / "nowhere").exit_code == 2


def test_a_problem_is_exit_code_1(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "ray://head:10001")
    result = doctor("--root", project.root)
    assert result.exit_code == 1
    assert "problem Ray" in result.stdout
    assert "1 to mend" in result.stdout


def test_a_check_that_raises_is_a_problem_and_no_traceback(project: Project) -> None:
    def broken(project: Project | None) -> Iterator[Finding]:
        yield Finding("ok", "lamp", "lit")
        raise RuntimeError("out of\noil")

    (finding,) = carry_out("lamp", broken, project)
    assert (finding.state, finding.found) == ("problem", "cannot be checked: RuntimeError: out of oil")


def test_every_check_goes_without_a_project() -> None:
    found = [finding for what, check in CHECKS.items() for finding in carry_out(what, check, None)]
    assert not [finding for finding in found if "cannot be checked" in finding.found]


@pytest.mark.parametrize(
    ("wanted", "found", "fits"),
    [
        ("torch<3,>=2.11", "2.15.0", True),
        ("torch<3,>=2.11", "2.11.0+cpu", True),
        ("torch<3,>=2.11", "2.9.1", False),
        ("torch<3,>=2.11", "3.0", False),
        ("torch<3,>=2.11", None, False),
        ("ray[tune]>=2.60", "2.61.0rc1", True),
    ],
)
def test_versions_against_ranges(wanted: str, found: str | None, fits: bool) -> None:
    assert software.fits(Requirement(wanted), found) is fits


def test_this_installation_fits() -> None:
    assert software.installed("no-such-package") is None
    assert only(software.packages(None)).state == "ok"
    assert only(software.python(None)).state == "ok"


CARD = "NVIDIA H100 80GB HBM3"
SMI = f"{CARD}, 81559 MiB, 550.54.15\n{CARD}, 81559 MiB, 550.54.15\n"
SEES = [f"{CARD} (79 GiB)"]


@pytest.mark.parametrize(
    ("driver", "torch", "visible", "state", "words"),
    [
        (DriverGpus(), TorchGpus("2.15", "12.8", []), None, "ok", "none: trials train on the CPU"),
        (
            DriverGpus(["a", "b"], "550"),
            TorchGpus("2.15", "12.8", SEES * 2),
            None,
            "ok",
            "driver 550, torch for CUDA 12.8",
        ),
        (DriverGpus(["a", "b"], "550"), TorchGpus("2.15", "12.8", SEES), "1", "note", "1 more hidden by CUDA_VISIBLE"),
        (DriverGpus(["a"], "550"), TorchGpus("2.15", "12.8", []), "", "note", "CUDA_VISIBLE_DEVICES='' hides them"),
        (DriverGpus(["a"], "550"), TorchGpus("2.15+cpu", None, []), None, "problem", "a build without CUDA"),
        (DriverGpus(["a"], "450"), TorchGpus("2.15", "12.8", [], "too old"), None, "problem", "sees none: too old"),
        (DriverGpus(complaint="mismatch"), TorchGpus("2.15", "12.8", []), None, "note", "nvidia-smi: mismatch"),
    ],
)
def test_gpus(driver: DriverGpus, torch: TorchGpus, visible: str | None, state: str, words: str) -> None:
    finding = gpus.gpu_finding(driver, torch, visible)
    assert (finding.state, words in finding.found) == (state, True), finding
    assert bool(finding.mend) == (state != "ok")


def test_nvidia_smi_is_read() -> None:
    assert gpus.parse_cards(SMI) == DriverGpus([f"{CARD} (81559 MiB)"] * 2, "550.54.15")
    assert gpus.parse_cards("No devices were found\n") == DriverGpus([], "")


def test_a_container_has_fewer_cpus() -> None:
    ok = [machine.cpu_finding(Processors(8, 8, quota)) for quota in (None, 16.0)]
    assert [finding.state for finding in ok] == ["ok", "ok"]
    bound, held = machine.cpu_finding(Processors(64, 4)), machine.cpu_finding(Processors(64, 64, 1.5))
    assert bound == Finding("note", "CPUs", "64, but this process may use 4: studies share 4 among their workers")
    assert held == Finding(
        "note", "CPUs", "64, but the container may keep 1.5 busy: studies share 1 among their workers"
    )


def test_a_home_that_is_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert only(machine.home(None)) == Finding("ok", "home", str(tmp_path))
    monkeypatch.setenv("HOME", "/")
    for name in ("XDG_CACHE_HOME", "MPLCONFIGDIR"):
        monkeypatch.setenv(name, "")  # and back to what they were afterwards
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    settle.cache_clear()
    try:
        found = only(machine.home(None))
    finally:
        settle.cache_clear()
    assert (found.state, bool(found.mend)) == ("note", True)
    assert found.found.startswith(f"HOME=/ is no home: {tmp_path}/sparsetune-")


def test_a_temporary_folder_that_cannot_serve_ray(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    long = tmp_path / ("x" * 200)
    long.mkdir()
    for name in ("RAY_TMPDIR", "TMPDIR"):
        monkeypatch.delenv("RAY_TMPDIR", raising=False)
        monkeypatch.setenv(name, str(long))
        told, disk = machine.disk_of_ray(None)
        assert (told.state, bool(told.mend)) == ("note", True)
        assert told.found.startswith(f"{name}: a path of {len(str(long))} bytes is too long for sockets")
        assert "free for Ray in /tmp" in disk.found


def test_a_study_under_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_RUN_RECURSION_DEPTH", "1")
    assert "uv run" in [each.found for each in cluster.ray(None)][-1]


def test_room_on_a_disk() -> None:
    states = {free: machine.room_state(free * GB, 100 * GB) for free in (0, 2, 6)}
    assert states == {0: "problem", 2: "note", 6: "ok"}
    assert machine.room_state(40 * GB, 1000 * GB) == "note"  # 96 % full: Ray spills nothing


def test_a_terminal_that_is_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "plain lines" in only(machine.terminal(None)).found
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "60")
    assert (only(machine.terminal(None)).state, "60 columns" in only(machine.terminal(None)).found) == ("note", True)


def test_results_that_cannot_be_written(project: Project) -> None:
    assert only(of_project.results(project)).state in ("ok", "note")
    project.runs.touch()  # a file in the place of the folder
    assert only(of_project.results(project)).state == "problem"


def test_a_study_under_way(project: Project) -> None:
    lock = project.runs / "locks" / "ast_pi.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text(json.dumps({"pid": 7, "host": "here", "since": "noon"}))
    assert list(of_project.drivers(project)) == []
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert only(of_project.drivers(project)).found == "study 'ast_pi' is being run by process 7 on here, since noon"


@pytest.fixture
def port() -> Iterator[int]:
    """Of a server that opens as gRPC's do, with settings."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):  # it is closed
                while True:
                    connection, _ = server.accept()
                    connection.sendall(bytes((0, 0, 0, 4, 0, 0, 0, 0, 0)))
                    connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_cluster_that_answers_and_one_that_does_not(port: int) -> None:
    assert cluster.address_finding("local").state == "ok"
    assert cluster.address_finding(f"127.0.0.1:{port}").state == "ok"
    with socket.create_server(("127.0.0.1", 0)) as closed:
        free = closed.getsockname()[1]
    gone = cluster.address_finding(f"127.0.0.1:{free}")
    assert (gone.state, "no Ray cluster answers there" in gone.found) == ("problem", True)
    assert "ray job submit" in cluster.address_finding("ray://head:10001").mend
    jobs = cluster.address_finding("http://127.0.0.1:8265")
    assert (jobs.state, "127.0.0.1:6379" in jobs.mend) == ("problem", True)
    assert cluster.address_finding("127.0.0.1").found == "RAY_ADDRESS=127.0.0.1: no port"
    assert cluster.address_finding("auto").state == "note"


def test_token_authentication(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for nothing in ("", " ", "local"):
        monkeypatch.setenv("RAY_ADDRESS", nothing)
        assert [each.state for each in cluster.ray(None)] == ["ok"]
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{port}")
    assert [each.state for each in cluster.ray(None)] == ["ok", "note"]
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("x")
    assert [each.state for each in cluster.ray(None)] == ["ok"]
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    assert [each.state for each in cluster.ray(None)] == ["ok", "problem"]


def test_data_that_is_missing_broken_or_elsewhere(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    here, missing = of_project.data_sets(project)
    assert (here.state, "digits" in here.found, "mnist" in here.found) == ("ok", True, False)
    assert (missing.state, "mnist" in missing.found, "digits" in missing.found) == ("note", True, False)
    raw = project.root / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (raw / f"{name}-ubyte").write_bytes(b"")
    here, _ = of_project.data_sets(project)
    assert " mnist" in here.found, "content is looked at when it is decoded: `sparsetune data check mnist`"
    monkeypatch.setenv("SPARSETUNE_DATA", str(project.root / "nowhere"))
    assert [each.state for each in of_project.data_sets(project)] == ["problem", "ok", "note"]


class Answer(BaseHTTPRequestHandler):
    """Says what its path is a number of; 200 otherwise."""

    def do_GET(self) -> None:
        self.send_response(401 if self.path.startswith("/secret") else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_tracking_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        where = f"http://127.0.0.1:{server.server_port}"
        try:
            for uri in (where, f"{where}/secret"):
                monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
                assert only(stores.mlflow_store(None)) == Finding("ok", "MLflow", f"{uri} answers")
        finally:
            server.shutdown()
            thread.join()
    gone = only(stores.mlflow_store(None))
    assert (gone.state, "no answer" in gone.found, bool(gone.mend)) == ("problem", True, True)


def test_without_a_project_or_a_store_that_is_named_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert list(stores.mlflow_store(None)) == []


def test_a_database_server_and_its_password(
    port: int, stand_in: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("psycopg", "psycopg2"):
        stand_in(name)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"postgresql+psycopg://me:secret@127.0.0.1:{port}/x")
    assert only(stores.mlflow_store(None)).state == "ok"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me:secret@127.0.0.1:1/x")
    gone = only(stores.mlflow_store(None))
    assert (gone.state, "secret" in gone.found) == ("problem", False)
