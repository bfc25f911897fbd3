"""The end of a run that is kept while others of its job train: known again where it is whole, and of the same."""

from __future__ import annotations

import inspect
import json
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sparsetune.config.messages import Job, Key, OwnFile, Report, Row
from sparsetune.config.messages import Outcome as End
from sparsetune.config.trial import resolve_trial
from sparsetune.testing import toy_method
from sparsetune.training import ended
from sparsetune.training.registries import registries_of
from sparsetune.training.trial import run_trial

OF = {"config": {"lr": 0.1, "hidden": [8], "dtype": None}, "own": ["1f"]}
ROWS = (Row(1, 1000, {"val_loss": 0.5}, "train", 1), Row(2, 2000, {"val_loss": 0.25}, "finetune", 1, settled=False))
END = End("COMPLETE", {"val_loss": 0.25, "test_loss": 0.3}, notes={"split": "1f"})
NUMBERS = st.dictionaries(st.text(max_size=9), st.floats(allow_nan=False), max_size=3)
WORDS = st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=2)
TOY = OwnFile("my_method.py", inspect.getsource(toy_method))


@given(
    st.lists(st.builds(Row, st.integers(1, 9), st.integers(0, 2**42), NUMBERS, st.text(max_size=9))),
    st.builds(End, st.sampled_from(["COMPLETE", "FAIL"]), NUMBERS, st.text(max_size=9), WORDS),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_is_kept_is_what_was_said(tmp_path: Path, rows: list[Row], end: End) -> None:
    """Every digit of it, infinite numbers too."""
    ended.save(tmp_path, rows, end, OF)
    assert ended.load(tmp_path, OF) == (tuple(rows), end)


def test_there_is_none(tmp_path: Path) -> None:
    assert ended.load(tmp_path / "nowhere", OF) is None


def test_the_end_of_something_else_is_none(tmp_path: Path) -> None:
    ended.save(tmp_path, ROWS, END, OF)
    for other in ({**OF, "own": ["2e"]}, {**OF, "own": []}, {**OF, "config": {**OF["config"], "lr": 0.2}}, {}):
        assert ended.load(tmp_path, other) is None


def test_a_part_of_an_end_is_none(tmp_path: Path) -> None:
    ended.save(tmp_path, ROWS, END, OF)
    whole = (tmp_path / ended.ENDED).read_bytes()
    for size in range(len(whole)):
        (tmp_path / ended.ENDED).write_bytes(whole[:size])
        assert ended.load(tmp_path, OF) is None, size
    (tmp_path / ended.ENDED).write_bytes(whole)
    assert ended.load(tmp_path, OF) == (ROWS, END)


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        {},
        {"of": OF},
        {"of": OF, "rows": 3, "outcome": {}},
        {"of": OF, "rows": [{"step": 1}], "outcome": {"state": "COMPLETE"}},
        {"of": OF, "rows": [], "outcome": {"status": "COMPLETE"}},
        {"rows": [], "outcome": {"state": "COMPLETE"}},
    ],
    ids=str,
)
def test_what_another_version_has_written_is_none(said: Any, tmp_path: Path) -> None:
    (tmp_path / ended.ENDED).write_text(json.dumps(said))
    assert ended.load(tmp_path, OF) is None


def test_what_is_no_text_is_none(tmp_path: Path) -> None:
    (tmp_path / ended.ENDED).write_bytes(b"\xff\xfe")
    assert ended.load(tmp_path, OF) is None


def job(folder: Path, own: OwnFile, **training: Any) -> Job:
    """Two seeds of the toy, one epoch and one after pruning."""
    known = registries_of((own,))
    raw = {
        "method": {"name": "toy", "finetune_epochs": 1},
        "data": "digits",
        "model": {"name": "mlp", "hidden": [8]},
        "training": {"epochs": 1, "device": "cpu", **training},
    }
    return Job(Key(0, 3), resolve_trial(raw, known).plain(), str(folder), seeds=(3, 4), imports=(own,))


def stopped_after_the_first(job: Job) -> Path:
    """Train the first seed only; returns where its end is kept."""
    running = run_trial(job)
    before: list[Report] = list(takewhile(lambda report: report.outcome is None, running))
    running.close()
    assert {report.key for report in before} == {Key(0, 3)}
    (kept,) = Path(job.folder).rglob(ended.ENDED)
    return kept


def test_what_has_ended_is_not_trained_again(tmp_path: Path, trained: list[int]) -> None:
    stopped_after_the_first(job(tmp_path, TOY))
    trained.clear()
    list(run_trial(job(tmp_path, TOY)))
    assert trained == [0, 1], "the other seed"


@pytest.mark.parametrize("what", ["damaged", "config", "text"])
def test_an_end_that_is_damaged_or_of_something_else_is_trained_anew(
    what: str, tmp_path: Path, trained: list[int]
) -> None:
    kept = stopped_after_the_first(job(tmp_path, TOY))
    if what == "damaged":
        kept.write_bytes(kept.read_bytes()[:-1])
    own = OwnFile(TOY.name, TOY.text + "\n# another word\n") if what == "text" else TOY
    again = job(tmp_path, own, **({"lr": 0.02} if what == "config" else {}))
    trained.clear()
    reports = list(run_trial(again))
    assert trained == [0, 1] * 2
    assert [(report.key, report.more) for report in reports if report.outcome is not None] == [
        (Key(0, 3), True),
        (Key(0, 4), False),
    ]
