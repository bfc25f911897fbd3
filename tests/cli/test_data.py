"""The commands around data: list, check, fetch, clean."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.pictures import write_pictures
from typer.testing import CliRunner, Result

import sparsetune.cli.data
from sparsetune.base.errors import BadInput
from sparsetune.base.paths import CACHE
from sparsetune.cli import app, spans
from sparsetune.data import store
from sparsetune.data.maker import META, Maker
from sparsetune.data.roots import VARIABLE
from sparsetune.fetch.sources import SOURCES, Source


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, which is where the commands are typed."""
    root = tmp_path / "project"
    (root / "search_spaces").mkdir(parents=True)
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(root)
    return root


def data(*words: object, answer: str = "") -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["data", *map(str, words)], input=answer)


def said(*words: object) -> Any:
    result = data(*words, "--json")
    assert result.exit_code in (0, 1), result.output
    return json.loads(result.stdout)


def decoded(label: str = "pets", used: int | None = None, source: str | list[str] = "") -> store.Decoded:
    """An entry of the store, last used so many seconds ago."""

    def make(maker: Maker) -> dict[str, Any]:
        maker.put("images", store.np.zeros((4, 1, 2, 2), "u1"))
        return {"samples": 4, "shape": (1, 2, 2), "source": source}

    entry = store.get(label, {"source": source}, make)
    if used is not None:
        then = entry.last_used - used
        os.utime(entry.folder / META, (then, then))
    return entry


def test_a_list_of_what_is_here_and_what_is_decoded(project: Path) -> None:
    decoded()
    result = data("list")
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "digits here 1,079 / 359 / 359 images of handwritten digits" in lines
    assert "mnist not here 55,000 / 5,000 / 10,000 images of handwritten digits" in lines
    assert any(line.startswith("folder you name them") for line in lines)
    assert any(line.startswith("pets 4 1 x 2 x 2 144 B ") for line in lines)
    found = said("list")
    assert {"name": "digits", "state": "here"}.items() <= found["data_sets"][2].items()
    (entry,) = found["decoded"]["entries"]
    assert (entry["label"], entry["bytes"], entry["samples"]) == ("pets", 144, 4)
    assert list(project.iterdir()) == [project / "search_spaces"]


def test_check_of_all_says_what_is_missing_and_how_to_get_it() -> None:
    result = data("check")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert "digits: here" in lines
    missing = next(number for number, line in enumerate(lines) if line.startswith("mnist: missing: no train-images"))
    assert lines[missing + 1].endswith(" data fetch mnist")
    assert store.everything() == []


def test_check_of_one(project: Path) -> None:
    result = data("check", "digits")
    assert result.exit_code == 0
    assert "1,079 train / 359 val / 359 test samples of 1 x 8 x 8, 10 outputs; split " in result.stdout
    result = data("check", "mnist")
    assert result.exit_code == 1
    assert result.stdout.startswith("mnist: missing: no train-images-idx3-ubyte")
    assert data("check", "mnist", "--dir", project / "nowhere").exit_code == 1
    assert f"{project}/nowhere/MNIST/raw" in data("check", "mnist", "--dir", "nowhere").stdout


def test_check_of_a_folder_reads_every_image(project: Path) -> None:
    folder = write_pictures(project / "pets", {"cat": 10, "dog": 10})
    command = ("check", "folder", "--set", "train_dir=pets", "--set", "data.val_size=4")
    found = said(*command)
    assert (found["state"], found["samples"]) == ("here", {"train": 12, "val": 4, "test": 4})
    assert (found["input_shape"], found["outputs"]) == ([3, 8, 8], 2)
    assert len(store.everything()) == 1
    (folder / "cat" / "0003.png").write_bytes(b"x")
    result = data(*command)
    assert result.exit_code == 1
    assert result.stdout == (
        f"folder: broken: {folder}: 1 of 20 images cannot be decoded, the first: cat/0003.png (not an image)\n"
        "  -> mend or remove it, or set data.skip_bad to true\n"
    )
    result = data(*command, "--set", "skip_bad=true")
    assert result.exit_code == 0
    assert "1 of 20 images cannot be decoded and is left out, the first: cat/0003.png" in result.stdout
    shutil.rmtree(folder)
    assert said(*command)["state"] == "missing"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("check", "mnits"), "error: unknown data set 'mnits'; did you mean 'mnist'?"),
        (("check", "folder"), "error: data.train_dir: missing"),
        (("check", "digits", "--set", "sede=3"), "error: data.sede: unknown key 'sede'; did you mean 'seed'?"),
        (("check", "--set", "seed=3"), "error: --set: goes with the name of a data set"),
        (("fetch", "mnits"), "error: fetch: unknown data set 'mnits'; did you mean 'mnist'?"),
        (("fetch", "digits"), "error: fetch: 'digits' needs no download; in a study: data: digits"),
        (("fetch", "teacher_student"), "error: fetch: 'teacher_student' needs no download; in a study: data: teacher"),
        (("fetch", "folder"), "error: fetch: 'folder' is made of files that a study names; `sparsetune data list fol"),
        (("fetch", "hf"), "error: fetch: 'hf' is made of files that a study names; `sparsetune data list hf`"),
        (("fetch", "tabular"), "error: fetch: 'tabular' is made of files that a study names; `sparsetune data list "),
        (("fetch", "kaggle:x"), "error: kaggle: found 'x', allowed: OWNER/SET"),
        (("clean", "--unused-for", "3 moons"), "error: --unused-for: found '3 moons', allowed: a number with s, min"),
        (("list", "--root", "/"), "error: /: no folder upward from here has search_spaces/"),
    ],
)
def test_bad_input_is_one_line(words: tuple[str, ...], problem: str, project: Path) -> None:
    result = data(*words)
    assert result.exit_code == 2
    assert result.stderr.startswith(problem)
    assert result.stderr.count("\n") == 1
    assert list(project.iterdir()) == [project / "search_spaces"]


def test_fetch_says_where_it_is_and_how_to_use_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOURCES, "kmnist", lambda: Source("KMNIST/raw", (), False, "{name: kmnist}"))
    result = data("fetch", "kmnist")
    assert result.exit_code == 0
    assert result.stdout == f"was there already: {project}/data/KMNIST/raw\nin a study: data: {{name: kmnist}}\n"
    monkeypatch.setenv(VARIABLE, "/elsewhere")
    assert "/elsewhere/KMNIST" in data("fetch", "kmnist").stdout
    assert f"{project}/here/KMNIST" in data("fetch", "kmnist", "--dir", "here").stdout


def test_clean_asks_first() -> None:
    entry = decoded()
    result = data("clean", answer="n\n")
    assert result.exit_code == 0
    assert "remove 1 decoded, 144 B?" in result.stdout
    assert "pets" in result.stdout
    assert entry.folder.exists()
    result = data("clean", answer="y\n")
    assert result.stdout.endswith("removed 1 decoded, 144 B free\n")
    assert not entry.folder.exists()
    assert data("clean").stdout == "nothing to remove\n"


def test_clean_leaves_what_is_in_use() -> None:
    decoded("old", used=31 * 86400), decoded("new", used=29 * 86400)
    result = data("clean", "--unused-for", "30d", "--yes")
    assert result.exit_code == 0
    assert [entry.meta["label"] for entry in store.everything()] == ["new"]
    assert data("clean", "--unused-for", "4.5w", "-y").stdout == "nothing to remove\n"
    assert data("clean", "--unused-for", "696 h", "-y").stdout.endswith("removed 1 decoded, 144 B free\n")


def test_clean_without_anybody_to_ask_removes_nothing() -> None:
    decoded()
    result = data("clean")
    assert result.exit_code == 2
    assert result.stderr.endswith("\nerror: --yes: missing, and there is nobody to ask\n")
    assert len(store.everything()) == 1


def test_of_many_folders_of_one_name_each_is_told_by_its_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    decoded("train", source=str(tmp_path / "me" / "pets" / "train"))
    decoded("train", source=f"{'/deep' * 40}/birds/train")
    decoded("mnist", source=["/data/MNIST/raw/a", "/data/MNIST/raw/b"])
    decoded("set", source="owner/set")
    places = [line.split()[-1] for line in data("list").stdout.splitlines() if "144 B" in line]
    assert {"~/pets/train", "/data/MNIST/raw", "owner/set"} < set(places)
    assert [place for place in places if place.startswith("...") and place.endswith("/deep/birds/train")]
    assert all(len(line) <= 200 for line in data("list").stdout.splitlines())
    asked = data("clean", answer="n\n").stdout
    assert all(place in asked for place in places)


def test_help_and_exit_code_agree() -> None:
    """Without a name nothing was asked for, so that what is missing is no error."""
    said = " ".join(data("check", "--help").stdout.split())
    assert "Exit code 1: the data set NAME is missing or broken. Without NAME nothing was asked for: it is 0." in said
    for words in (("check",), ("check", "--json")):
        result = data(*words)
        assert (result.exit_code, "missing" in result.stdout) == (0, True)
    assert data("check", "mnist").exit_code == 1


def test_clean_takes_what_a_killed_process_left() -> None:
    entry = decoded()
    entry.folder.rename(entry.folder.with_name(f"{entry.folder.name}.part"))
    assert data("clean").stdout.startswith("removed 0 decoded, ")
    assert list(entry.folder.parent.iterdir()) == []


def test_names_for_the_tab_key_need_no_torch() -> None:
    code = """
import sys
from sparsetune.cli.data import data_names, source_names
assert "digits" in data_names() and "imagenette" in source_names()
assert not {"torch", "torchvision", "datasets", "ray", "mlflow", "optuna", "pandas"} & set(sys.modules), sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_example_of_env_names_every_key() -> None:
    example = (Path(sparsetune.cli.data.__file__).parents[2] / ".env.example").read_text()
    assert {"HF_TOKEN=", "KAGGLE_USERNAME=", "KAGGLE_KEY="} <= set(example.splitlines())  # without values


@pytest.mark.parametrize(("text", "expected"), [("90s", 90), ("1.5h", 5400), ("2min", 120), ("1w", 604800)])
def test_spans_of_time(text: str, expected: float) -> None:
    assert spans.seconds(text) == expected
    with pytest.raises(BadInput):
        spans.seconds(f"-{text}")
