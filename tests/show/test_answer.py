"""The pieces of a study's answer."""

from __future__ import annotations

import io
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console, RenderableType

from sparsetune.base.layout.text import spread
from sparsetune.base.messages import Trial
from sparsetune.config.metrics import Goal
from sparsetune.config.study.file import Objective
from sparsetune.config.study.reading import balanced, how_to_read, which_one
from sparsetune.show.answer import (
    best,
    columns,
    ended,
    time_spent,
)

TWO = (Objective(metric="val_accuracy", goal="maximize"), Objective(metric="est_flops_g", goal="minimize"))
ONE = (Objective(metric="val_loss", goal="minimize"),)


def trial(number: int, *values: float, names: Iterable[str] = ("val_accuracy", "est_flops_g"), **more: Any) -> Trial:
    metrics = {**dict(zip(names, values, strict=False)), **more.pop("metrics", {})}
    return Trial(number, more.pop("state", "COMPLETE"), {"method.kp": 0.1}, {}, metrics, values, **more)


def printed(parts: Iterable[RenderableType], width: int = 80) -> str:
    console = Console(width=width, file=io.StringIO())
    with console.capture() as text:
        for part in parts:
            console.print(part)
    return text.get()


FRONT = [trial(4, 0.9, 9.0), trial(1, 0.85, 3.0), trial(7, 0.3, 1.0)]


@pytest.mark.parametrize("width", [80, 160])
def test_a_front_is_shown_and_explained(width: int) -> None:
    text = printed(best(TWO, FRONT, FRONT, width), width)
    assert [line.split()[0] for line in text.splitlines() if line.lstrip()[:1].isdigit()] == ["4", "1", "7"]
    assert "no other trial is better in both" in text
    assert "From top to bottom you give val accuracy for est flops g." in text
    assert "higher is better: fraction of validation samples" in text
    assert "lower is better: GFLOP: estimate" in text
    assert all(len(line.rstrip()) <= width for line in text.splitlines())


def test_of_a_long_front_some_rows_with_both_ends() -> None:
    front = [trial(number, 1 - number / 100, 100.0 - number) for number in range(60)]
    text = printed(best(TWO, front, front, 80))
    rows = [int(line.split()[0]) for line in text.splitlines() if line.lstrip()[:1].isdigit()]
    assert (len(rows), rows[0], rows[-1]) == (15, 0, 59)
    assert "(15 of 60)" in text
    assert spread([1, 2, 3], 3) == [1, 2, 3]


def test_which_one_names_the_best_of_each_goal_and_one_between() -> None:
    assert which_one(TWO, FRONT) == (
        "Which one? Trial 4 if val accuracy comes first, trial 7 if est flops g does, trial 1 between them."
    )
    assert which_one(TWO, [FRONT[0], FRONT[2]]) == (
        "Which one? Trial 4 if val accuracy comes first, trial 7 if est flops g does."
    )


def test_which_one_names_each_trial_once() -> None:
    more = [Objective(metric="ece", goal="minimize"), Objective(metric="ape", goal="maximize")]
    front = [trial(0, 0.9, 9.0, 0.1, 0.5), trial(1, 0.8, 3.0, 0.2, 0.6)]
    assert which_one((*TWO, *more), front) == (
        "Which one? Trial 0 if val accuracy or ece comes first, trial 1 if est flops g or ape does."
    )


@pytest.mark.parametrize("goals", [("maximize", "minimize"), ("minimize", "maximize")])
def test_the_balance_does_not_depend_on_units(goals: tuple[Goal, Goal]) -> None:
    """0.85 of [0.3, 0.9] and 3 of [1, 9]: by hand, distances 1, 0.0069 + 0.0625, and 1."""
    sign = 1 if goals[0] == "maximize" else -1
    front = [trial(each.number, sign * each.values[0] * 1000, sign * each.values[1]) for each in FRONT]
    objectives = [Objective(metric=o.metric, goal=goal) for o, goal in zip(TWO, goals, strict=True)]
    assert balanced(objectives, front).number == 1


def test_one_trial_that_beats_all_is_no_trade_off() -> None:
    assert how_to_read(TWO, FRONT[:1]) == "No other trial is better than this one in val accuracy or est flops g."
    assert "Which one?" not in printed(best(TWO, FRONT[:1], FRONT, 80))


def test_the_best_of_one_objective_with_those_behind_it() -> None:
    trials = [trial(number, 1.0 + (number - 3) ** 2, names=["val_loss"]) for number in range(6)]
    text = " ".join(printed(best(ONE, [trials[3]], trials, 80)).split())
    assert "Best trial" in text
    assert "Next by val loss: trial 2 (2), trial 4 (2), trial 1 (5); median of all complete trials 3.5." in text
    assert "lower is better: mean loss on the validation samples" in text


SCORE = Objective(metric="frugal", goal="maximize", score="val_accuracy - 0.1 * density - 0 * ece")


@pytest.mark.parametrize("others", [(), TWO[1:]], ids=["best", "front"])
def test_a_score_has_its_formula_and_the_numbers_that_it_reads(others: tuple[Objective, ...]) -> None:
    read = {"val_accuracy": 0.91, "test_accuracy": 0.87, "density": 0.512, "ece": 0.025}
    front = [
        trial(number, 0.8 - number, 5.0 - number, names=["frugal", "est_flops_g"], metrics=read) for number in range(2)
    ]
    text = printed(best((SCORE, *others), front, front, 80))
    assert "higher is better: val_accuracy - 0.1 * density - 0 * ece" in text
    at = [text.index(value) for value in ("0.91", "0.87", "0.512", "0.025")]
    assert at == sorted(at), "what it reads stands behind the test accuracy"


def test_what_a_score_reads_takes_no_other_metric_s_place() -> None:
    of_methods = ["activation_rate", "matching_density", "matching_val_accuracy"]
    names = ["frugal", "val_accuracy", "test_accuracy", *of_methods, "density", "ece"]
    of_score = columns([SCORE.metric], SCORE.reads)
    assert of_score == columns([SCORE.metric, TWO[0].metric], SCORE.reads) == names
    assert columns([ONE[0].metric]) == ["val_loss", "val_accuracy", "test_accuracy", *of_methods]


def test_before_what_follows_there_is_no_empty_line_of_its_own() -> None:
    assert not printed(best(TWO, FRONT[:1], FRONT, 80)).endswith("\n\n")


def study(pruner: str = "none") -> Any:
    return SimpleNamespace(name="a [b]", pruner=SimpleNamespace(name=pruner))


def test_each_reason_is_said_once_with_its_trials() -> None:
    trials = [trial(number, state="FAIL", reason="no [memory]\nleft") for number in range(12)]
    trials.append(trial(12, state="FAIL", reason="x" * 500))
    trials += [trial(number, state="PRUNED", reason="pruned after epoch 3") for number in (13, 14)]
    text = printed(ended(study("median"), trials, trials, 80))
    assert text.splitlines()[0] == "12 trials failed: no [memory] left (trials 0, 1, 2, 3, 4, 5, 6, 7 and 4 more)"
    assert "trial 12 failed: xxx" in " ".join(text.split())
    assert "x" * 200 not in text.replace("\n", "")
    assert text.splitlines()[-1] == "2 pruned: stopped early for falling behind (median pruner)"


def test_reasons_that_differ_in_numbers_only_are_one_line() -> None:
    trials = [trial(n, state="FAIL", reason=f"val_loss became nan in epoch {n + 1}") for n in range(3)]
    text = printed(ended(study(), trials, trials, 80))
    assert text == "3 trials failed: val_loss became nan in epoch 1 to 3 (trials 0, 1, 2)\n"


def test_many_reasons_are_counted() -> None:
    trials = [trial(n, state="FAIL", reason=f"reason {'abcdefghi'[n]}") for n in range(9)]
    text = printed(ended(study(), trials, trials, 80))
    assert "trial 4 failed: reason e\n" in text
    assert "reason f" not in text
    assert "4 more reasons: " in text
    assert "export 'a [b]' --csv" in text


def test_time_is_training_and_what_passed_on_the_clock() -> None:
    times = [(0, 30_000), (10_000, 90_000), (20_000, 0)]
    trials = [
        trial(number, metrics={"time_min": 0.5} if end else {}, started_ms=start + 1, ended_ms=end)
        for number, (start, end) in enumerate(times)
    ]
    assert time_spent(trials) == "Time: 60 s of training, about 30 s a trial; 90 s from first start to last end"
    assert time_spent([]) == ""
