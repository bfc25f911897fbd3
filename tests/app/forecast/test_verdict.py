"""What probes say of a study: that every trial would fail, or that some may."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sparsetune.app.forecast.estimate import Probed
from sparsetune.app.forecast.machine import Room
from sparsetune.app.forecast.study import Forecast
from sparsetune.app.forecast.verdict import doubts, refuse_hopeless
from sparsetune.app.study import load
from sparsetune.base.errors import BadInput
from sparsetune.testing.studies import write_study

GOALS = [
    {"metric": "val_loss", "goal": "minimize"},
    {"metric": "mine", "goal": "maximize", "score": "1 / activation_std"},
]
LIMIT = [{"metric": "compute_saved", "at_least": 0.1}]
FINE = Probed(ended=True, rows=1)
CUT = Probed(rows=1)
NAN = Probed(ended=True, rows=1, lacks=["val_loss"])
NO_SCORE = Probed(ended=True, rows=1, lacks=["mine"])
CUT_NAN = Probed(rows=1, lacks=["val_loss"])
NAN_LIMIT = Probed(ended=True, rows=1, lacks=["compute_saved"])
MISSING = Probed(reason="the trial gave no mine", lacks=["mine"])
MISSING_LIMIT = Probed(reason="the trial gave no compute_saved", lacks=["compute_saved"])
DIVERGED = Probed(reason="the loss became nan")
FAULT = Probed(reason="IndexError: no such class", fault=True)
OTHER_FAULT = Probed(reason="IndexError: another", fault=True)
LATE = Probed(reason="IndexError: no such class")


def judged(root: Path, probed: list[Probed], **changes: Any) -> tuple[str, list[str]]:
    """The refusal without the file's name, and the doubts."""
    study = load(write_study(root, objectives=GOALS, constraints=LIMIT, **changes))
    found = Forecast(0, 9, Room(1, 0), configs=len(probed), probed=probed)
    try:
        refuse_hopeless(study, found)
    except BadInput as error:
        return str(error).removeprefix(f"{study.source}: "), []
    return "", list(doubts(study, found))


def lacking(name: str, count: int) -> str:
    configs = f"{count} probed config{'s' * (count > 1)}"
    problem = f"{name!r} was no number in {configs}, trained to the end: every trial would fail"
    return f"{problem}; allowed: a metric that has one"


@pytest.mark.parametrize(
    ("probed", "refusal"),
    [
        ([NAN, NAN, NAN], f"objectives.0.metric: {lacking('val_loss', 3)}"),
        ([NAN], f"objectives.0.metric: {lacking('val_loss', 1)}"),
        ([NO_SCORE, NAN], f"objectives.1.score: {lacking('mine', 2)}"),
        ([MISSING, MISSING], f"objectives.1.score: {lacking('mine', 2)}"),
        ([MISSING_LIMIT, NAN], f"constraints.0.metric: {lacking('compute_saved', 2)}"),
        ([FAULT, FAULT], "every trial would fail, as 2 probed configs did: IndexError: no such class"),
    ],
)
def test_every_trial_would_fail(probed: list[Probed], refusal: str, tmp_path: Path) -> None:
    assert judged(tmp_path, probed) == (refusal, [])


@pytest.mark.parametrize(
    "probed",
    [
        [],
        [FINE, CUT],
        [DIVERGED, DIVERGED],  # another draw may not
        [FAULT],  # another draw may not, as long as something varies
        [FAULT, OTHER_FAULT],
        [FAULT, FINE],
        [FAULT, LATE],  # of a training that was cut short
        [MISSING, FINE],  # it failed, and the table says why
    ],
)
def test_some_may_not(probed: list[Probed], tmp_path: Path) -> None:
    assert judged(tmp_path, probed) == ("", [])


@pytest.mark.parametrize(
    ("probed", "doubt"),
    [
        ([NAN, FINE], "1 of 2 probed configs had no number of 'val_loss'; trials like that fail"),
        ([NAN, CUT_NAN], "2 of 2 probed configs had no number of 'val_loss', cut short as they were; a whole trial"),
        ([CUT_NAN] * 3, "3 of 3 probed configs had no number of 'val_loss', cut short as they were; a whole trial"),
        ([NAN, DIVERGED], "1 of 2 probed configs had no number of 'val_loss'; trials like that fail"),
        (
            [NAN_LIMIT],
            "1 of 1 probed config had no number of 'compute_saved'; trials like that meet no constraint",
        ),
    ],
)
def test_a_doubt(probed: list[Probed], doubt: str, tmp_path: Path) -> None:
    refusal, (line,) = judged(tmp_path, probed)
    assert refusal == ""
    assert line.startswith(doubt)


def test_one_config_stands_for_all_where_nothing_varies(tmp_path: Path) -> None:
    refusal, _ = judged(tmp_path, [FAULT], space=None)
    assert refusal == "every trial would fail, as 1 probed config did: IndexError: no such class"
