"""What levels have come to, by branch and in tables."""

from __future__ import annotations

import io

from rich.console import Console

from sparsetune.base.messages import Key, Result, Run, Trial
from sparsetune.report.levels import panels, runs_by_branch
from sparsetune.report.tables import levels_tables
from sparsetune.sparsity.methods.lottery import LotteryTicket

WANTED = LotteryTicket.results_figure
assert WANTED is not None


def run(branch: str, seed: int, *levels: tuple[float, float, float]) -> Run:
    """Of density, accuracy and iteration at each level; at a level's end all is another's."""
    results = []
    for number, (density, accuracy, iteration) in enumerate(levels):
        metrics = {"density": density, "test_accuracy": accuracy, "test_loss": 9.0, "best_iteration": iteration}
        results.append(Result(f"level {number}", "best", 1, 1, metrics))
        results.append(Result(f"level {number}", "last", 1, 1, dict.fromkeys(metrics, -1.0)))
    return Run(Key(0, seed, branch), "COMPLETE", {}, results=tuple(results))


def trial(*runs: Run) -> Trial:
    return Trial(0, "COMPLETE", {}, {"method": {"name": "lottery"}}, runs=runs)


FORKED = trial(
    run("arm=ticket", 0, (1.0, 0.95, 400), (0.5, 0.97, 200)),
    run("arm=ticket", 1, (1.0, 0.93, 500), (0.5, 0.95, 220)),
    run("arm=one_shot", 0, (1.0, 0.95, 400), (0.25, 0.9, 600)),
    Run(Key(0, 2, "arm=one_shot"), "FAIL"),
)


def printed(of: Trial, most: int = 12) -> list[str]:
    console = Console(file=io.StringIO(), width=100)
    for table in levels_tables(of, WANTED, most):
        console.print(table)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_means_and_errors_by_hand() -> None:
    """Of 0.97 and 0.95: 0.96, and 0.01 is the standard error of two that are 0.02 apart."""
    accuracy, iteration = panels(runs_by_branch(FORKED), WANTED)
    assert [round(point.mean, 9) for point in accuracy.lines["ticket"]] == [0.94, 0.96]
    assert [round(point.error or 0, 9) for point in accuracy.lines["ticket"]] == [0.01, 0.01]
    assert [(point.over, point.mean, point.error) for point in iteration.lines["one_shot"]] == [
        (1.0, 400, None), (0.25, 600, None),
    ]  # fmt: skip


def test_a_table_has_a_line_for_each_level_that_a_branch_has() -> None:
    assert printed(FORKED) == [
        "test accuracy (fraction)",
        "weights remaining (%)       ticket  one shot",
        "                  100  0.94 ± 0.01      0.95",
        "                   50  0.96 ± 0.01",
        "                   25                    0.9",
        "early-stopping iteration",
        "weights remaining (%)    ticket  one shot",
        "                  100  450 ± 50       400",
        "                   50  210 ± 10",
        "                   25                 600",
    ]


def test_of_many_levels_some_are_shown() -> None:
    many = trial(run("", 0, *((0.9**level, 0.9, 1.0) for level in range(34))))
    assert runs_by_branch(many).keys() == {"lottery"}
    lines = printed(many, 4)[2:6]
    assert [line.split()[0] for line in lines] == ["100", "31.4", "9.85", "3.09"]


def test_without_levels_there_is_nothing() -> None:
    assert printed(trial(Run(Key(0, 0, ""), "COMPLETE", {"test_accuracy": 1.0}))) == []
    assert printed(trial(run("", 0, (1.0, 0.9, 1.0)))) == []
