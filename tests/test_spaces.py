"""`spaces`: what may vary, and which file says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sparsetune.app.parts import registries
from sparsetune.base.errors import BadInput
from sparsetune.cli import app
from sparsetune.config.space import load_space
from sparsetune.config.space.checks import check_names
from sparsetune.show.space import space_lines

REPOSITORY = Path(__file__).parents[1]

FILES = {
    "gains": "# The gains\n# of the controller.\nmethod.kp: {float: [0.001, 1.0], log: true}\n",
    "all": (
        "include: [gains]\n"
        "training.optimizer: {choice: [sgd, adam]}\n"
        "training.momentum: {float: [0.5, 0.9], step: 0.1, when: {training.optimizer: sgd}}\n"
    ),
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "120")
    (tmp_path / "search_spaces").mkdir()
    for name, text in FILES.items():
        (tmp_path / "search_spaces" / f"{name}.yaml").write_text(text)
    return tmp_path


def spaces(root: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["spaces", *words, "--root", str(root)])


def rows(result: Result) -> list[list[str]]:
    """The cells of a table, which stand two blanks apart or more."""
    assert result.exit_code == 0, result.output
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in result.stdout.splitlines()]


def test_all(root: Path) -> None:
    head, *found = rows(spaces(root))
    assert head == ["space", "parameters", "includes", "what it is"]
    assert found == [["all", "3", "gains"], ["gains", "1", "The gains of the controller."]]


def test_one_in_full_with_what_it_includes(root: Path) -> None:
    found = rows(spaces(root, "all"))
    assert ["method.kp", "0.001 to 1, log scale", "gains.yaml"] in found
    assert ["training.optimizer", "sgd or adam", "all.yaml"] in found
    momentum = ["training.momentum", "0.5 to 0.9 in steps of 0.1, if training.optimizer is sgd", "all.yaml"]
    assert momentum in found
    assert spaces(root, "search_spaces/all.yaml").stdout == spaces(root, "all").stdout


def test_everything_a_space_can_hold(root: Path) -> None:
    written = (
        "include: gains\n"
        "method.kp: {value: 0.5}\n"
        "training.batch_size: {factor: [32, 64]}\n"
        "training.keep: {factor: [last, best]}\n"
        "training.momentum: {float: [0.5, 0.9], when: {training.batch_size: {above: 32, at_most: 64}}}\n"
        'training.warmup_epochs: {derived: "0.1 * training.epochs"}\n'
    )
    (root / "search_spaces" / "full.yaml").write_text(written)
    found = rows(spaces(root, "full"))
    assert ["method.kp", "always 0.5", "full.yaml"] in found
    assert ["training.batch_size", "each of 32 and 64", "full.yaml"] in found
    bounds = "0.5 to 0.9, if training.batch_size is above 32 and at most 64"
    assert ["training.momentum", bounds, "full.yaml"] in found
    assert ["training.warmup_epochs", "= 0.1 * training.epochs", "full.yaml"] in found
    assert ["4 cells by its factors, each searched by itself"] in found
    assert ["full", "1", "gains"] in rows(spaces(root))  # one is drawn


def test_branches_in_words(tmp_path: Path) -> None:
    written = {
        "method.name": {"choice": ["ast", "dense"]},
        "training.lr": {"float": [0.1, 1]},
        "ast.kp": {"float": [0.1, 1], "target": "method.kp", "when": {"method.name": "ast"}},
        "ast.training.epochs": {"int": [1, 3], "target": "training.epochs", "when": {"method.name": "ast"}},
        "training.batch_size": {"factor": [32, 64]},
    }
    assert space_lines(load_space(written, folder=tmp_path, source="here")) == [
        "  method.name          ast or dense",
        "  training.lr          0.1 to 1",
        "  training.batch_size  each of 32 and 64",
        "  if method.name is ast:",
        "    method.kp        0.1 to 1",
        "    training.epochs  1 to 3",
        "  if method.name is dense: nothing more",
        "  2 cells by factors: trials go to them in turn, each is searched by itself",
    ]


RANGE = "{float: [0.1, 1]}"
MISFITS = [
    (f"method.kpp: {RANGE}", "method.kpp: unknown name 'method.kpp'; did you mean 'method.kp'? (no method has it)"),
    ("model.hiden: {choice: [1]}", "model.hiden: unknown name 'model.hiden'; did you mean 'model.hidden'? (no model "),
    ("data.sed: {int: [0, 1]}", "data.sed: unknown name 'data.sed'; did you mean 'data.seed'? (no data set has it)"),
    (f"method.kp: {RANGE}\nmethod.p_dropout: {RANGE}", "no method has all of method.kp, method.p_dropout"),
    (f"metod.kp: {RANGE}", "metod.kp: unknown section 'metod'; did you mean 'method'? (allowed: data, "),
    (f"training.lrr: {RANGE}", "training.lrr: unknown name 'training.lrr'; did you mean 'training.lr'? (allowed: "),
    ("training.lr: {value: 1, when: {training.optimiser: sgd}}", "training.lr.when: unknown name 'training.optimiser'"),
    ("training.lr: {derived: training.epoch / 9}", "training.lr.derived: unknown name 'training.epoch'; did you mean "),
    (f"training.schedule.gama: {RANGE}", "training.schedule.gama: unknown name 'training.schedule.gama'; did you "),
    ("seeds: {int: [1, 2]}", "seeds: unknown section 'seeds'; did you mean 'seed'?"),
]


@pytest.mark.parametrize(("text", "line"), MISFITS, ids=range(len(MISFITS)))
def test_a_name_that_nothing_has(text: str, line: str, root: Path) -> None:
    file = root / "search_spaces" / "bad.yaml"
    file.write_text(text)
    one = spaces(root, "bad")
    assert one.exit_code == 0
    assert one.stdout.splitlines()[-1].startswith(f"warning: {file}: {line}")
    said = "".join(spaces(root).stdout.split())
    assert "unknown" in said or "nomethodhasall" in said
    assert "Thegainsofthecontroller." in said


def test_names_that_fit_without_a_study(root: Path) -> None:
    text = "training.schedule.gamma: {float: [0.1, 1]}\nseed: {factor: [1, 2]}\nmetrics.gpu_tdp_watts: {value: 3}\n"
    (root / "search_spaces" / "good.yaml").write_text(text)
    assert "warning" not in spaces(root, "good").stdout


@pytest.mark.parametrize("file", sorted((REPOSITORY / "search_spaces").glob("*.yaml")), ids=lambda file: file.stem)
def test_spaces_of_the_repository_fit_what_is_registered(file: Path) -> None:
    space = load_space(file.stem, folder=file.parent, source=str(file))
    assert space.rules
    check_names(space, registries())
    name = next(iter(space.rules))
    wrong = load_space({f"{name}_": space.plain()[name]}, folder=file.parent, source="here")
    with pytest.raises(BadInput, match="unknown name"):
        check_names(wrong, registries())


def test_one_that_is_broken_hides_no_other(root: Path) -> None:
    (root / "search_spaces" / "bad.yaml").write_text("method.kp: {float: [2, 1]}\n")
    (root / "search_spaces" / "empty.yaml").touch()
    said = spaces(root).stdout
    assert "allowed: the lower end first" in " ".join(said.split())
    assert "gains" in said
    one = spaces(root, "bad")
    assert (one.exit_code, len(one.stderr.splitlines())) == (2, 1)


def test_one_that_is_not_there(root: Path) -> None:
    result = spaces(root, "gain")
    assert result.exit_code == 2
    assert "unknown search space 'gain'; did you mean 'gains'? (allowed: all, gains)" in result.stderr


def test_none_yet(tmp_path: Path) -> None:
    (tmp_path / "search_spaces").mkdir()
    assert "no search space yet" in spaces(tmp_path).stdout
    (tmp_path / "search_spaces").rmdir()
    assert spaces(tmp_path).exit_code == 2
