"""Which errors mean that something is refused, and which that it may be taken later; most are real ones."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException, RestException, get_error_code
from mlflow.protos.databricks_pb2 import BAD_REQUEST, INVALID_PARAMETER_VALUE, TEMPORARILY_UNAVAILABLE

from sparsetune.tracking.library import upload
from sparsetune.tracking.trouble import reason_of, refuses, refuses_files, worded

CLOSED = 1  # a port at which nothing listens


def raised(call: Callable[[], object]) -> Exception:
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def answered(status: int) -> requests.HTTPError:
    response = requests.Response()
    response.status_code = status
    return requests.HTTPError("no", response=response)


def proxy(status: int) -> MlflowException:
    """What the client makes of an answer that is not MLflow's own."""
    message = f"API request to endpoint /x failed with error code {status} != 200. Response body: ''"
    return MlflowException(message, error_code=get_error_code(status))


@pytest.mark.parametrize(
    "place",
    [
        "s3://bucket/x", "r2://b@a.r2.cloudflarestorage.com/x", "gs://bucket/x", "wasbs://c@a.blob.core.windows.net/x",
        "abfss://c@a.dfs.core.windows.net/x", "hdfs://host/x", "sftp://host/x", "nope://x/y", "dbfs:/Volumes/a/b/c",
        "/proc/nowhere/1", "file:///proc/nowhere", "{file}/below/a/file", "/proc/" + "d" * 300,
    ],
)  # fmt: skip
def test_places_that_never_take_files(place: str, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.touch()
    error = raised(lambda: upload("sqlite:///unused.db", place.format(file=file), {"a.txt": file}))
    assert refuses_files(error), error


@pytest.mark.parametrize(
    "place",
    [
        f"ftp://127.0.0.1:{CLOSED}/x", f"http://127.0.0.1:{CLOSED}/api/2.0/mlflow-artifacts/artifacts",
        "mlflow-artifacts:/1",
    ],
)  # fmt: skip
def test_places_that_may_take_them_later(place: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    error = raised(lambda: upload(f"http://127.0.0.1:{CLOSED}", place, {"a.txt": tmp_path / "a.txt"}))
    assert not refuses_files(error), error


@pytest.mark.parametrize(
    ("error", "files", "numbers"),
    [
        (answered(400), True, True),
        (answered(404), True, False),
        (answered(413), True, True),
        (proxy(413), True, True),
        (answered(401), False, False),
        (answered(403), False, False),
        (answered(429), False, False),
        (answered(500), False, False),
        (proxy(502), False, False),
        (proxy(503), False, False),
        (OSError(errno.ENOSPC, "full"), False, False),
        (OSError(errno.EDQUOT, "quota"), False, False),
        (OSError(errno.EROFS, "read-only"), False, False),
        (PermissionError(errno.EACCES, "no"), True, False),
        (ConnectionResetError(), False, False),
        (TimeoutError(), False, False),
        (ImportError("no boto3"), True, False),
        (RestException({"error_code": "PERMISSION_DENIED", "message": "no"}), False, False),
        (RestException({"error_code": "INVALID_PARAMETER_VALUE", "message": "no"}), True, True),
        (MlflowException("no", INVALID_PARAMETER_VALUE), True, True),
        (MlflowException("busy", TEMPORARILY_UNAVAILABLE), False, False),
        (MlflowException("odd", BAD_REQUEST), True, True),
    ],
)
def test_errors(error: Exception, files: bool, numbers: bool) -> None:
    assert (refuses_files(error), refuses(error)) == (files, numbers)


def test_what_a_store_says_itself(client: MlflowClient, tmp_path: Path) -> None:
    run = client.create_run("0").info.run_id
    assert refuses(raised(lambda: client.log_metric(run, "a@b", 1.0)))
    assert refuses(raised(lambda: client.log_param(run, "a" * 251, "x")))
    client.log_param(run, "a", 1)
    assert refuses(raised(lambda: client.log_param(run, "a", 2)))
    assert not refuses(raised(lambda: client.log_metric("0" * 32, "a", 1.0)))
    nobody = MlflowClient(f"http://127.0.0.1:{CLOSED}")
    assert not refuses(raised(lambda: nobody.log_metric(run, "a@b", 1.0)))


def test_a_damaged_database_is_no_refusal(tmp_path: Path, client: MlflowClient, uri: str) -> None:
    """SQLAlchemy's error for it comes with the code of a bad request."""
    copy = tmp_path / "copy.db"
    content = bytearray(Path(uri.removeprefix("sqlite:///")).read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    copy.write_bytes(content)
    error = raised(lambda: MlflowClient(f"sqlite:///{copy}").create_run("0"))
    assert not refuses(error), error


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_that_is_at_fault_is_told_by_its_answer(status: int) -> None:
    """Though requests counts its error among those of a system."""
    assert isinstance(answered(status), OSError)
    said = f"the server answers with HTTP {status}"
    assert reason_of(answered(status), "http://127.0.0.1:1") == worded(answered(status)) == said


def test_one_that_refuses_is_told_in_its_own_words() -> None:
    assert "answers with HTTP" not in worded(answered(404)) + reason_of(answered(404), "http://127.0.0.1:1")
