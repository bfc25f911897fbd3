"""A ticket that cannot be trained again: one line, exit code 2, and nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sparsetune.base.paths import TICKET
from sparsetune.base.yaml_io import dump
from sparsetune.cli import app
from sparsetune.testing.tickets import BRIEF, MLP, lottery

pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("left")
    lottery(root / "lth")
    lottery(root / "slt", method={"name": "slt"})
    (root / "cut").mkdir()
    whole = (root / "lth" / TICKET).read_bytes()
    (root / "cut" / TICKET).write_bytes(whole[:-9])
    (root / "changed").mkdir()
    (root / "changed" / TICKET).write_bytes(whole[:-9] + b"x" + whole[-8:])
    (root / "empty").mkdir()
    return root


def refused(root: Path, source: Any, **changes: Any) -> str:
    (root / "search_spaces").mkdir()
    method = {"name": "ticket_retrain", "source": source, **changes.pop("method", {})}
    raw = {"method": method, "data": "digits", "model": MLP, "training": BRIEF, **changes}
    file = root / "re.yaml"
    file.write_text(dump(raw))
    result = CliRunner().invoke(app, ["run", str(file)])
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1), result.output
    assert {path.name for path in root.iterdir()} == {"search_spaces", "re.yaml"}
    return result.stderr.removeprefix("error: ").rstrip("\n")


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("nowhere", "method.source: there is no file or folder {root}/nowhere"),
        ("{left}/empty", "{left}/empty: method.source: has no ticket.safetensors with weights"),
        ("{left}/slt", "{left}/slt: method.source: has no ticket.safetensors with weights"),
        ("{left}/slt/" + TICKET, "method.source: holds no weights: it is a seed and a mask"),
        ("{left}/cut/" + TICKET, "is damaged or cut off, or no safetensors file"),
        ("{left}/changed/" + TICKET, "is damaged: its content does not have the checksum that it names"),
        ("{left}/lth/weights.safetensors", "is no ticket, which is called ticket.safetensors where a run leaves one"),
        ("re.yaml", "is damaged or cut off, or no safetensors file"),
        ("{left}/lth", "method.level: missing: which of the levels of {left}/lth; allowed: 1, 2"),
    ],
)
def test_no_ticket(left: Path, tmp_path: Path, source: str, line: str) -> None:
    assert line.format(left=left, root=tmp_path) in refused(tmp_path, source.format(left=left))


def test_one_of_another_network(left: Path, tmp_path: Path) -> None:
    file = left / "lth" / TICKET
    line = f"{file}: method.source: the ticket does not fit: its tensor 'linear1.weight' is 16x64, the network's 20x64"
    assert refused(tmp_path, str(file), model={"name": "mlp", "hidden": [20, 8, 8]}) == line


def test_one_of_another_level(left: Path, tmp_path: Path) -> None:
    line = refused(tmp_path, str(left / "lth"), method={"level": 7})
    assert line.endswith(f"method.level: found 7, allowed: 1, 2, of which {left}/lth has tickets")
