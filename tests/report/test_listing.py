"""Rows as JSON and CSV have them: a plain study's as ever, a forked and replicated one's with what they need."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd
from helpers.trials import FORK, PLAIN, several

from sparsetune.base.messages import Key, Run, Trial
from sparsetune.config.study.constraints import Constraint
from sparsetune.config.study.rows import branch_rows
from sparsetune.report.listing import (
    flat_row,
    result_rows,
    results_csv,
    special,
    trial_row,
    trials_csv,
    trials_frame,
    with_replicates,
)

GATE = (Constraint(metric="acc", at_least=0.5),)


def plain(number: int, acc: float) -> Trial:
    run = Run(Key(number, 7), "COMPLETE", {"acc": acc})
    return Trial(number, "COMPLETE", {"method.kp": 0.1}, {"seed": 7}, {"acc": acc}, (acc,), runs=(run,))


def forked() -> list[Trial]:
    """Two seeds x three branches; the first branch has 0.2 and 0.4, the others 0.1 and 0.3 more."""
    results = {
        (seed, branch.name): {"acc": 0.2 + 0.2 * seed + more}
        for seed in (0, 1)
        for branch, more in zip(FORK, (0.0, 0.1, 0.3), strict=True)
    }
    return branch_rows(several(3, results), ["acc"], GATE)


def test_a_plain_study_has_no_special_field() -> None:
    rows = with_replicates([plain(0, 0.5), plain(1, 0.6)])
    assert special(rows) == frozenset()
    assert trials_csv(rows).splitlines() == [
        "number,state,params.method.kp,metrics.acc,reason",
        "0,COMPLETE,0.1,0.5,",
        "1,COMPLETE,0.1,0.6,",
    ]
    assert list(trial_row(rows[0])) == [
        "number", "state", "params", "values", "metrics", "reason", "notes", "started_ms", "ended_ms",
    ]  # fmt: skip


def test_a_flat_row_keeps_everything_apart() -> None:
    row = flat_row(plain(3, 0.5))
    assert (row["number"], row["params.method.kp"], row["metrics.acc"]) == (3, 0.1, 0.5)


def test_a_row_for_each_branch_and_below_it_one_for_each_replicate() -> None:
    table = pd.read_csv(io.StringIO(trials_csv(forked())), dtype={"seed": "Int64"})
    assert table["branch"].tolist() == [branch.name for branch in FORK for _ in range(3)]
    assert table["seed"].isna().tolist() == [True, False, False] * 3
    assert table["seed"].dropna().tolist() == [0, 1] * 3
    assert table["number"].unique().tolist() == [3]
    assert table["params.method.mc_samples"].tolist() == [count for count in (1, 5, 50) for _ in range(3)]
    assert table["metrics.acc"].round(9).tolist() == [0.3, 0.2, 0.4, 0.4, 0.3, 0.5, 0.6, 0.5, 0.7]
    assert table["errors.acc"].round(9).tolist()[::3] == [0.1] * 3, "|0.4 - 0.2| / 2, by hand"
    assert table["errors.acc"].isna().tolist() == [False, True, True] * 3
    assert table["feasible"].tolist() == [False] * 6 + [True] * 3
    assert "3,mc_samples=1,0,COMPLETE," in trials_csv(forked()), "a seed is a whole number"


def test_replicates_alone_need_no_branch() -> None:
    whole = several(0, {(seed, ""): {"acc": 0.5} for seed in (4, 5)}, branches=PLAIN)
    header, *lines = trials_csv([whole]).splitlines()
    assert header == "number,seed,state,params.training.lr,metrics.acc,errors.acc,reason"
    assert lines == ["0,,COMPLETE,0.01,0.5,0.0,", "0,4,COMPLETE,0.01,0.5,,", "0,5,COMPLETE,0.01,0.5,,"]


def test_a_line_for_each_result_whose_columns_are_where_they_came() -> None:
    """Also where a later one has more parameters, and where one has none."""
    runs = [Run(Key(number, 7), "COMPLETE", {"acc": 0.5, "loss": number}) for number in range(3)]
    params: list[dict[str, Any]] = [{}, {"a": 1}, {"a": 2, "b": "x"}]
    trials = [Trial(n, "COMPLETE", params[n], {}, runs=(run,)) for n, run in enumerate(runs)]
    assert results_csv([line for trial in trials for line in result_rows(trial)]).splitlines() == [
        "number,branch,seed,result,stage,which,epoch,iterations,metrics.acc,metrics.loss,params.a,params.b",
        "0,,7,1,,,,,0.5,0,,",
        "1,,7,1,,,,,0.5,1,1.0,",
        "2,,7,1,,,,,0.5,2,2.0,x",
    ]
    (line,) = result_rows(trials[2])
    header = "number,branch,seed,result,stage,which,epoch,iterations,params.a,params.b,metrics.acc,metrics.loss"
    assert results_csv([line]).splitlines()[0] == header


def test_a_frame_has_rows_alone_by_number() -> None:
    frame = trials_frame(forked())
    assert frame.index.tolist() == [3, 3, 3]
    assert "seed" not in frame
    assert list(trials_frame([])) == ["number", "state", "reason"]


def test_json_has_the_same_fields() -> None:
    rows = with_replicates(forked())
    found = trial_row(rows[1], special(rows))
    assert (found["branch"], found["seed"], found["feasible"], found["errors"]) == ("mc_samples=1", 0, False, {})
    assert set(found) - set(trial_row(rows[1])) == {"branch", "seed", "feasible", "errors"}
