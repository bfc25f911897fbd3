"""`init`: a project to start from, the same from the repository and from a wheel, and never over anything."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path, PurePath

import pytest
from typer.testing import CliRunner, Result

from sparsetune.cli import app
from sparsetune.starter import starting_files

ROOT = Path(__file__).parents[1]
STARTER = ROOT / "sparsetune" / "starter"


def call(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_new_project_can_be_studied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = call("init", "a new one")
    assert result.exit_code == 0
    assert "cd 'a new one'" in result.stdout
    root = tmp_path / "a new one"
    assert content(root) == starting_files()
    for study in (root / "studies").glob("*.yaml"):
        dry = call("study", study, "--dry-run", "--no-probe")
        assert f"study: {study.stem}" in dry.stdout
        if dry.exit_code:  # its data are not here
            assert (dry.exit_code, dry.stderr.count("\n")) == (2, 1)
            assert re.match(
                f"error: {study}: (method\\.first\\.)?data\\.(root: no|train_dir: found .*, but there is no folder) ",
                dry.stderr,
            )
    assert call("spaces", "--root", root).exit_code == 0
    assert content(root) == starting_files()  # looking wrote nothing


def test_its_readme_names_every_study_and_only_commands_that_are_there() -> None:
    text = starting_files()["README.md"].decode()
    studies = {PurePath(name).stem for name in starting_files() if name.startswith("studies/")}
    assert all(f"| `{study}` |" in text for study in studies)
    commands = {line.split()[1] for line in text.splitlines() if line.startswith("sparsetune ")}
    assert commands == {"study", "best", "ui"}


def test_git_ignores_results_but_keeps_their_folder(tmp_path: Path) -> None:
    assert call("init", tmp_path).exit_code == 0
    (tmp_path / "mlruns" / "studies.db").touch()
    for words in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True)
    done = subprocess.run(["git", "ls-files"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert set(done.stdout.split()) == set(starting_files())


def test_here_is_a_place_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").touch()
    result = call("init", ".")
    assert (result.exit_code, "  cd " in result.stdout) == (0, False)
    assert content(tmp_path) == {**starting_files(), "notes.txt": b""}


@pytest.mark.parametrize("taken", ["README.md", "studies/ast_pi.yaml", "search_spaces", "mlruns"])
def test_what_is_there_is_never_written_over(taken: str, tmp_path: Path) -> None:
    (tmp_path / taken).parent.mkdir(exist_ok=True)
    (tmp_path / taken).write_text("mine")
    result = call("init", tmp_path)
    assert result.exit_code == 2
    assert f"already there: {taken}; " in result.stderr
    assert content(tmp_path) == {taken: b"mine"}


def test_all_that_is_there_is_listed(tmp_path: Path) -> None:
    assert call("init", tmp_path).exit_code == 0
    (tmp_path / ".gitignore").unlink()
    (tmp_path / ".gitignore").symlink_to("nowhere")
    result = call("init", tmp_path)
    assert result.exit_code == 2
    assert all(name in result.stderr for name in starting_files())


def test_no_folder_where_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "inside"):
        result = call("init", folder)
        assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert content(tmp_path) == {"file": b""}


def test_its_files_are_those_of_the_repository() -> None:
    for path in STARTER.rglob("*.yaml"):
        assert path.is_symlink()
        assert path.resolve() == ROOT / path.relative_to(STARTER)


@pytest.mark.slow
def test_the_wheel_holds_it(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(ROOT / "sparsetune", source / "sparsetune", symlinks=True)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    for name in ("studies", "search_spaces"):
        shutil.copytree(ROOT / name, source / name)
    build = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(tmp_path)], cwd=source, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "site")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}

    def sparsetune(*words: str) -> str:
        command = [sys.executable, "-c", "import sparsetune.cli as cli; print(cli.__file__); cli.main()", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
        assert done.stdout.startswith(str(tmp_path / "site"))
        return done.stdout

    sparsetune("init", "demo")
    assert content(tmp_path / "demo") == starting_files()
    assert "study: ast_pi" in sparsetune("study", "demo/studies/ast_pi.yaml", "--dry-run", "--no-probe")
