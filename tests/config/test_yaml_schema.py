"""What plain words of YAML are, in files and on the command line: numbers by YAML 1.2, the rest as it was."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from sparsetune.app.study import load
from sparsetune.base.errors import BadInput
from sparsetune.base.yaml_io import dump, parse
from sparsetune.cli import app
from sparsetune.config.overrides import parse_assignments

from .files import GONE, accepted, refused, space, write

PLAIN: dict[str, Any] = {
    **{"010": 10, "-010": -10, "+010": 10, "08": 8, "09": 9, "0123": 123, "00": 0, "-0": 0, "+1": 1, "0_10": 10},
    **{"0o17": 15, "0x1F": 31, "-0x1f": -31, "0b101": 5, "1_000": 1000, "-1_000_000": -1_000_000},
    **{"1e5": 1e5, ".5": 0.5, "00.5": 0.5, "1_000.5": 1000.5, "01e2": 100.0, "1.": 1.0, "+.inf": math.inf},
    **{"yes": True, "on": True, "off": False, "No": False, "TRUE": True, "~": None, "null": None, "Null": None},
    **{name: name for name in ("2026-11-29", "2026-13-45", "=", "<<", "y", "nULL", "0o18", "0o", "0x", "0b2", "-0o17")},
    **{name: name for name in ("0:30", "1:60", "1:30.5", "_1", "1.2.3", "1e", "e5", "0X1F", "1\u0663", "1,5")},
}
BASE_60 = {"1:30": 90, "-1:30": -90, "+1:30": 90, "1:0": 60, "12:30:45": 45_045, "1_0:05": 605, "190:20:30": 685_230}
NAMES = ["010", "-010", "08", "0o17", "0x1F", "1e5", ".5", "+1", "1_000", "1:30", "2026-11-29", "yes", "~", "=", "<<"]


@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_word(text: str) -> None:
    for found in (parse(f"a: {text}", source="")["a"], parse_assignments([f"a={text}"])["a"]):
        assert (type(found), found) == (type(PLAIN[text]), PLAIN[text])


@given(st.text("0123456789", min_size=1, max_size=30), st.sampled_from(["", "-", "+"]))
def test_digits_are_a_decimal_number(digits: str, sign: str) -> None:
    assert parse(f"[{sign}{digits}]", source="") == [int(f"{sign}{digits}")]


@pytest.mark.parametrize("text", BASE_60)
def test_base_60_is_refused_with_the_key_and_what_is_meant(text: str, tmp_path: Path) -> None:
    problem = f"found {text}, allowed: {BASE_60[text]} (so base 60 reads it), or '{text}' in quotes for text"
    file = write(tmp_path, f"study: s\ntraining: {{schedule: {{name: step, every: {text}}}}}\n")
    assert refused(file) == f"training.schedule.every: {problem}"
    assert refused(write(tmp_path, f"a: [1, {{b: {text}}}]\n")) == f"a.1.b: {problem}"
    with pytest.raises(BadInput) as caught:
        parse_assignments([f"training.epochs={text}"])
    assert str(caught.value) == f"--set training.epochs: {problem}"
    assert parse(f"'{text}'", source="") == text


@pytest.mark.parametrize("text", ["!!int 1.5", "!!int 1:30", "!!float 1:30", "!!bool maybe", "!!int " + "9" * 5000])
def test_a_tag_does_not_make_it_one(text: str) -> None:
    with pytest.raises(BadInput, match=r"^f: a: found '.*, allowed: (a whole number|a number|true or false)$"):
        parse(f"a: {text}", source="f")


@pytest.mark.parametrize("text", ["&a [*a]", "[" * 600, "!!timestamp 2026-11-29", "!!binary aGk=", "!!set {a}"])
def test_what_is_no_plain_value_is_one_line(text: str) -> None:
    with pytest.raises(BadInput, match="not valid YAML: "):
        parse(text, source="f")


def test_spaces_and_what_they_include(tmp_path: Path) -> None:
    space(tmp_path, "sizes", {})
    file = tmp_path / "search_spaces" / "sizes.yaml"
    file.write_text("training.batch_size: {choice: [016, 032]}\ntraining.epochs: {int: [01, 010]}\n")
    space(tmp_path, "all", {"include": "sizes"})
    study = accepted(tmp_path, space="all", training=GONE)
    assert [entry.ends for entry in study.space.parameters.values()] == [(16, 32), (1, 10)]
    file.write_text("training.batch_size: {choice: [16, 1:30]}\n")
    line = refused(write(tmp_path, space="all", training=GONE))
    assert line.startswith(f"{file}: training.batch_size.choice.1: found 1:30, allowed: 90 ")


def test_a_config_that_is_run(tmp_path: Path) -> None:
    file = write(tmp_path, "method: dense\ndata: digits\nmodel: mlp\ntraining: {max_minutes: 1:30}\n")
    result = CliRunner().invoke(app, ["run", str(file)])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {file}: training.max_minutes: found 1:30, allowed: 90 ")
    assert not (tmp_path / "mlruns").exists()


@pytest.mark.parametrize(
    "name", [*NAMES, "run #2", "#2", "a: b", "[x", "it's", '"x"', "- a", "\u65e5\u672c #1", "5" * 9]
)
def test_a_study_of_that_name_is_shown_as_a_file_that_reads_alike(name: str, tmp_path: Path) -> None:
    study = accepted(tmp_path, {"study": name})
    shown = CliRunner().invoke(
        app, ["study", str(study.source), "--dry-run", "--no-probe", "--set", f"study='{quoted(name)}'"]
    )
    assert (shown.exit_code, shown.stderr) == (0, "")
    again = study.source.with_name("again.yaml")
    again.write_text(shown.stdout)
    assert load(again).resolved() == study.resolved()
    assert load(again).name == name


def quoted(name: str) -> str:
    return name.replace("'", "''")


TEXT = st.text(max_size=130) | st.sampled_from([*NAMES, *BASE_60, *PLAIN])
ANY = st.text(st.characters(), max_size=20) | TEXT  # surrogates and breaks of Unicode included


@settings(deadline=None)
@given(st.dictionaries(TEXT, ANY | st.lists(ANY, max_size=2), max_size=2))
def test_what_is_written_reads_alike_here_and_by_yaml_1_1(value: dict[str, Any]) -> None:
    text = dump(value)
    assert parse(text, source="") == value
    assert yaml.safe_load(text) == value


PRINTED = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), min_size=1, max_size=20)


@given(
    PRINTED
    | st.sampled_from(
        [
            "!base60",
            "!base60 x",
            "run #2",
            "#2",
            "a\t#b",
            "&x y",
            "*x",
            "|",
            ">",
            "@a",
            "%a",
            "--- x",
            "a:b",
            "-",
            "?",
            ":",
            "C:",
        ]
    )
)
def test_text_on_the_command_line_is_taken_whole(text: str) -> None:
    """What may be a list, a mapping or in quotes is YAML."""
    structured = text.strip()[:1] in ("[", "{", '"', "'", "!") or ": " in text or text.strip()[:2] in ("- ", "? ")
    try:
        found = parse_assignments([f"study={text}"])["study"]
    except BadInput:
        assert structured or text.strip() in BASE_60
        return
    if isinstance(found, str) and not structured:
        assert found == (text.strip() or text)


@given(PRINTED)
def test_text_in_quotes_on_the_command_line(text: str) -> None:
    assert parse_assignments([f"study={json.dumps(text, ensure_ascii=False)}"]) == {"study": text}
    assert parse_assignments([f"a=[{json.dumps(text, ensure_ascii=False)}, b #1, c#2]"]) == {"a": [text, "b #1", "c#2"]}


@pytest.mark.parametrize("value", ["0123", "a: b", "{x: 1}", "3"])
def test_text_that_reads_as_something_else_wants_quotes_of_its_own(value: str, tmp_path: Path) -> None:
    line = refused(write(tmp_path), parse_assignments([f"study={value}"]))
    assert line.startswith("--set: study: found ")
    assert line.endswith("""; text like this wants quotes of its own: --set 'name="..."'""")
