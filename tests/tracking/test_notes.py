"""Descriptions in Markdown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sparsetune.base.messages import SAME_AS, Key, Run, Trial
from sparsetune.config.study.constraints import Constraint
from sparsetune.config.study.file import Objective
from sparsetune.config.study.front import best_rows
from sparsetune.tracking.notes import front_table, of_run, of_study
from sparsetune.tracking.run_keys import RunKey
from sparsetune.tracking.subject import SINGLE, Answer, Subject

ACC = Objective(metric="val_accuracy", goal="maximize")
TWO = (ACC, Objective(metric="macs", goal="minimize"))
CONFIG = {"method": {"name": "ast"}, "data": {"name": "digits"}, "model": {"name": "mlp"}, "seed": 3}
BOUND = Constraint(metric="tracking_error", at_most=0.05)


def row(number: int, accuracy: float, macs: float, **more: Any) -> Trial:
    metrics = {"val_accuracy": accuracy, "macs": macs, "tracking_error": 0.01}
    given = {"params": {"method.kp": 0.0894123}, "config": CONFIG, "metrics": metrics, "values": (accuracy, macs)}
    return Trial(number, "COMPLETE", **{**given, **more})


def test_a_run_says_what_it_is_and_how_to_repeat_it() -> None:
    note = of_run(Subject("my study", TWO, (BOUND,), imports=("own.py",)), RunKey(22), row(22, 0.97, 1e4))
    assert note == (
        "Trial 22 of study `my study`: method `ast` on `digits` with model `mlp`, seed 3.\n\n"
        "The study asks for the highest val accuracy and the lowest macs, with tracking error at most 0.05.\n\n"
        "Train it again, in the project's folder:\n\n"
        "    sparsetune best 'my study' --trial 22 > trial_22.yaml\n"
        "    sparsetune run trial_22.yaml --import own.py\n\n"
        "| varies | value |\n| --- | --- |\n| `method.kp` | 0.0894123 |"
    )


def test_a_branch_its_replicates_and_one_of_them() -> None:
    subject = Subject("s", (ACC,))
    runs = tuple(Run(Key(7, seed, "mc_samples=5"), "COMPLETE") for seed in (3, 4))
    place = RunKey(7, "mc_samples=5")
    means = of_run(subject, place, row(7, 0.9, 1, runs=runs, branch="mc_samples=5"))
    assert "Trial 7 `mc_samples=5` of study `s`" in means
    assert "seeds 3, 4: numbers are means, those ending in `_se` their standard errors." in means
    assert "best s --trial 7 --branch mc_samples=5 > trial_7_mc_samples_5.yaml" in means
    one = of_run(subject, place._replace(seed=4), row(7, 0.9, 1, seed=4, config={**CONFIG, "seed": 4}))
    assert ", seed 4." in one
    assert "sparsetune run trial_7_mc_samples_5.yaml --set seed=4" in one


def test_a_trial_that_has_the_results_of_another_says_so() -> None:
    note = of_run(Subject("s", (ACC,)), RunKey(2), row(2, 0.9, 1, notes={SAME_AS: "trial 1"}))
    assert "Its results are those of trial 1, a trial like it." in note


def test_a_single_run() -> None:
    note = of_run(replace(SINGLE, source="configs/a.yaml"), RunKey(0), row(0, 0.9, 1))
    assert note.startswith("method `ast` on `digits` with model `mlp`, seed 3.")
    assert note.endswith("    sparsetune run configs/a.yaml")


def answer(*trials: Trial, goals: tuple[Any, ...] = ("maximize", "minimize")) -> Answer:
    rows = tuple(replace(each, values=each.values[: len(goals)]) for each in trials)
    return Answer({"COMPLETE": len(rows), "PRUNED": 2, "FAIL": 0}, rows, best_rows(rows, goals))


def test_a_study_s_answer() -> None:
    rows = [row(0, 0.9, 100), row(1, 0.95, 200), row(2, 0.8, 300)]
    note = of_study(Subject("s", TWO, (BOUND,)), answer(*rows))
    assert note.startswith("**`s`** asks for the highest val accuracy and the lowest macs, with tracking error at most")
    assert ": 3 complete, 2 pruned." in note
    assert "| trial | val accuracy | macs | tracking error | kp |" in note
    assert [line for line in note.split("\n") if line.startswith(("| 0", "| 1", "| 2"))] == [
        "| 1 | 0.95 | 200 | 0.01 | 0.08941 |",
        "| 0 | 0.9 | 100 | 0.01 | 0.08941 |",
    ]
    assert "Which one? Trial 1 if val accuracy comes first, trial 0 if macs does." in note
    assert "    sparsetune best s --trial 1 > trial.yaml" in note


def test_an_answer_without_winners() -> None:
    far = replace(row(0, 0.9, 1), metrics={"val_accuracy": 0.9, "tracking_error": 0.2}, feasible=False)
    note = of_study(Subject("s", (ACC,), (BOUND,)), answer(far, goals=("maximize",)))
    assert "No trial may win." in note
    assert "1 of 1 complete trials breaks tracking error at most 0.05" in note
    nothing = of_study(Subject("s", (ACC,)), Answer({"COMPLETE": 0}, (), best_rows([], ["maximize"])))
    assert nothing == "**`s`** asks for the highest val accuracy: no trials."


def test_one_objective_has_a_best_trial() -> None:
    note = of_study(Subject("s", (ACC,)), answer(row(0, 0.9, 1), row(1, 0.8, 1), goals=("maximize",)))
    assert "### Best trial" in note
    assert "Which one?" not in note


def test_nothing_of_a_name_is_taken_for_markdown() -> None:
    names = Subject("a `b` *c*", (ACC,))
    note = of_run(names, RunKey(0), row(0, 0.9, 1, params={"data.root": "x|y"}))
    assert "study `` a `b` *c* ``: " in note
    assert "| `data.root` | x&#124;y |" in note


def test_the_front_as_a_table_has_branches_and_errors() -> None:
    forked = row(0, 0.9, 100, branch="mc_samples=5", errors={"val_accuracy": 0.01})
    names, cells = front_table(Subject("s", TWO), [forked])
    assert names == ["trial", "branch", "val_accuracy", "macs", "kp"]
    assert cells == [["0", "mc_samples=5", "0.90 ± 0.01", "100", "0.08941"]]
