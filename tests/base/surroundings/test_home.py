"""A home where there is none: what is replaced, what stays, and what is said."""

from __future__ import annotations

import getpass
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sparsetune.base.disk import in_words, private_folder, why_not_written
from sparsetune.base.errors import BadInput
from sparsetune.base.surroundings import home
from sparsetune.base.surroundings.home import Mended, mended, why_no_home


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """What stands in for a home."""
    return tmp_path / "private"


@pytest.fixture
def unlisted(monkeypatch: pytest.MonkeyPatch) -> None:
    """This user has no entry in the list of users, and so neither name nor home."""
    monkeypatch.setattr(home, "_listed", lambda: None)


def never() -> Path:
    raise AssertionError("nothing was to be replaced")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "HOME is not set"),
        ("", "HOME is empty"),
        ("/", "HOME=/ is no home"),
        ("//", "HOME=// is no home"),
        ("/.", "HOME=/. is no home"),
        (".", "HOME=. is no home"),
        ("me", "HOME=me is no home"),
        ("/nonexistent", "HOME: /nonexistent is not there"),
        ("/nonexistent/me", "HOME: /nonexistent/me is not there"),
        ("/dev/null", "HOME: /dev/null is no folder"),
        ("/dev/null/me", "HOME: /dev/null/me is not there"),
    ],
)
@pytest.mark.usefixtures("unlisted")
def test_what_is_no_home_is_replaced_by_one(value: str | None, why: str, private: Path) -> None:
    environ = {} if value is None else {"HOME": value}
    found = mended({**environ, "USER": "me"}, lambda: private)
    assert found == Mended({"HOME": str(private)}, f"{why}: {private} holds caches and Ray's token instead")


@pytest.mark.parametrize(
    "extra", [{}, {"XDG_CACHE_HOME": ""}, {"XDG_CACHE_HOME": "HERE/new"}, {"MPLCONFIGDIR": "HERE"}]
)
def test_a_home_stays(extra: dict[str, str], tmp_path: Path) -> None:
    extra = {name: value.replace("HERE", str(tmp_path)) for name, value in extra.items()}
    assert mended({"HOME": str(tmp_path), "USER": "me", **extra}, never) == Mended({})


def test_a_listed_home_needs_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    assert home.home(os.environ) == str(Path.home())


def test_a_home_that_can_only_be_read_stays_one(tmp_path: Path, private: Path) -> None:
    """What it holds, such as keys, is still found; only what is written goes elsewhere."""
    here = tmp_path / "home"
    here.mkdir()
    (here / ".cache").touch()  # as for an administrator, whom no mode keeps from writing
    (here / ".config").touch()
    (here / ".ray").touch()
    found = mended({"HOME": str(here), "USER": "me"}, lambda: private)
    assert found.variables == {
        "XDG_CACHE_HOME": f"{private}/.cache",
        "MPLCONFIGDIR": f"{private}/.config/matplotlib",
    }
    for name in (".cache", ".config", ".ray"):
        assert f"{here}/{name} is no folder" in found.remark
    assert found.remark.endswith(f": {private} holds caches and Ray's token instead")


def test_a_token_that_is_there_or_told_needs_no_folder(tmp_path: Path) -> None:
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").touch()
    assert home.why_no_token({"HOME": str(tmp_path)}) == ""
    assert home.why_no_token({"HOME": "/dev/null", "RAY_AUTH_TOKEN": "x"}) == ""
    assert home.why_no_token({"HOME": "/dev/null", "RAY_AUTH_TOKEN_PATH": "/x"}) == ""
    assert home.why_no_token({"HOME": "/dev/null"}) == "/dev/null is no folder"


def test_a_cache_of_its_own_that_cannot_be_made(tmp_path: Path, private: Path) -> None:
    (tmp_path / "file").touch()
    environ = {"HOME": str(tmp_path), "USER": "me", "XDG_CACHE_HOME": f"{tmp_path}/file/cache"}
    found = mended(environ, lambda: private)
    assert found.variables == {"XDG_CACHE_HOME": f"{private}/.cache"}
    assert found.remark == f"{tmp_path}/file is no folder: {private} holds caches instead"


@pytest.mark.usefixtures("unlisted")
def test_a_user_without_a_name_gets_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = mended({"HOME": str(tmp_path)}, never)
    assert found == Mended({"USER": str(os.getuid())}), "silently: nobody has to know"
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
        assert mended({"HOME": str(tmp_path), name: "me"}, never) == Mended({})
    monkeypatch.setenv("USER", found.variables["USER"])
    assert getpass.getuser() == str(os.getuid())


def test_the_private_folder_is_private_and_the_same_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    first = private_folder()
    assert first == private_folder() == tmp_path / f"sparsetune-{os.getuid()}"
    assert stat.S_IMODE(first.stat().st_mode) == 0o700


@pytest.mark.parametrize("taken", ["open to others", "a link", "a file"])
def test_a_private_folder_that_another_has_made_is_not_used(
    taken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    place = tmp_path / f"sparsetune-{os.getuid()}"
    (tmp_path / "theirs").mkdir(mode=0o700)
    if taken == "a link":
        place.symlink_to(tmp_path / "theirs")
    elif taken == "a file":
        place.touch()
    else:
        place.mkdir()
        place.chmod(0o777)
    found = private_folder()
    assert found != place
    assert stat.S_IMODE(found.stat().st_mode) == 0o700
    assert list((tmp_path / "theirs").iterdir()) == []


def test_without_any_temporary_folder_it_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(BadInput, match=r"^TMPDIR: no temporary folder can be written \(No such file"):
        private_folder()


def test_it_is_looked_at_without_writing(tmp_path: Path) -> None:
    assert why_not_written(tmp_path / "a" / "b") == ""
    assert list(tmp_path.iterdir()) == []
    assert in_words(os.fsdecode(b"/tmp/\xff")) == "/tmp/\\xff"
    assert why_no_home({"HOME": os.fsdecode(b"/nonexistent/\xff")}) == "HOME: /nonexistent/\\xff is not there"


def test_it_holds_for_this_process_and_its_children_and_is_said_once(tmp_path: Path) -> None:
    """Also for code that only imports a part of the package, as a worker on another machine does."""
    code = """
import os, subprocess, sys
from pathlib import Path
import sparsetune.execution.worker
from sparsetune.base.surroundings.home import settle
from sparsetune.base.paths import cache_root
assert settle() == settle()
assert cache_root().is_relative_to(Path.home()), cache_root()
print(*settle(), sep="\\n")
sys.stdout.flush()
subprocess.run([sys.executable, "-c", "import os; print(os.environ['HOME'])"])
"""
    removed = ("SPARSETUNE_CACHE", "XDG_CACHE_HOME", "MPLCONFIGDIR", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
    environ = {name: value for name, value in os.environ.items() if name not in removed}
    environ |= {"HOME": "/nonexistent", "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    place = tmp_path / f"sparsetune-{os.getuid()}"
    remark = f"HOME: /nonexistent is not there: {place} holds caches and Ray's token instead"
    assert done.stdout.split("\n")[:2] == [remark, str(place)]
