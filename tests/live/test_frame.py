"""The picture of a running study fits whatever the terminal and the study are."""

from __future__ import annotations

import pytest
from helpers.trials import FORK
from watching import ONE, TWO, Watched, begun, complete, forked, row, trial

from sparsetune.base.messages import Key
from sparsetune.config.study.constraints import Constraint
from sparsetune.config.study.file import Objective
from sparsetune.live.screen import frame

NAMES = ("val_accuracy", "compute_saved", "val_loss", "train_loss", "est_flops_g", "est_energy_kj", "step_time_ms")
MANY = tuple(Objective(metric=name, goal="maximize") for name in NAMES)
REASON = "RuntimeError: CUDA error: device-side assert triggered\n" * 9


def lines(watched: Watched, width: int = 80, height: int = 24, title: str = "a study") -> list[str]:
    return frame(watched.standing, title, width, height, ascii_only=False).plain.split("\n")


def busy(objectives: tuple[Objective, ...], running: int, total: int = 100) -> Watched:
    """20 ended trials, the last one failed, none better than another in all; ``running`` at work."""
    watched = Watched(total=total, objectives=objectives)
    for number in range(19):
        values = [number + 1.0, *(-number - 1.2345678e-05 for _ in objectives[1:])]
        watched.whole(complete(number, *values, objectives=objectives))
    watched.whole(trial(19, "FAIL", reason=REASON))
    for number in range(20, 20 + running):
        watched.start(number)
    watched.clock.now += 3
    return watched


@pytest.mark.parametrize("objectives", [ONE, TWO, MANY], ids=["one", "two", "seven"])
@pytest.mark.parametrize("size", [(80, 24), (160, 40), (40, 10), (20, 3), (300, 100)])
@pytest.mark.parametrize("running", [0, 1, 2, 64])
def test_it_never_leaves_the_terminal(objectives: tuple[Objective, ...], size: tuple[int, int], running: int) -> None:
    width, height = size
    found = lines(busy(objectives, running), width, height, "a long name 日本語 " * 12)
    assert len(found) < height
    assert all(len(line) <= width for line in found)


def test_it_shows_progress_time_and_an_estimate() -> None:
    watched = Watched(total=4)
    watched.start(0)
    _, first, *_ = lines(watched)
    assert first.startswith("a study ──")
    assert first.endswith(" 0/4  elapsed 0:00  left -")
    watched.clock.now = 60.0
    watched.end(complete(0, 0.5, 0.5))
    _, first, counts, *_ = lines(watched)
    assert first.count("━") == (first.count("━") + first.count("─")) // 4
    assert first.endswith(" 1/4  elapsed 1:00  left about 3 min")
    assert counts == "1 complete, 0 running, 3 to start"


def test_once_all_trials_have_ended_no_time_is_left() -> None:
    watched = Watched(total=2)
    watched.whole(complete(0, 0.5, 0.5), seconds=30.0)
    assert lines(watched)[1].endswith(" 1/2  elapsed 0:30  left about 30 s")
    watched.whole(complete(1, 0.5, 0.5), seconds=30.0)
    assert lines(watched)[1].endswith(" 2/2  elapsed 1:00")


def test_running_trials_have_epoch_metrics_and_time() -> None:
    watched = Watched()
    watched.start(7)
    watched.start(8)
    watched.clock.now = 65.0
    watched.report(7, 3, val_accuracy=0.91234)
    found = [line.split() for line in lines(watched)]
    assert ["7", "3/10", "0.9123", "-", "1:05"] in found
    assert ["8", "0/10", "-", "-", "1:05"] in found


def test_of_many_running_trials_the_first_rows_and_how_many_more() -> None:
    text = lines(busy(TWO, 64))
    shown = sum(line.split()[1:2] == ["0/10"] for line in text)
    assert shown >= 5
    assert f"... and {64 - shown} more" in text


def test_a_reason_is_cut_to_a_line() -> None:
    (line,) = [line for line in lines(busy(TWO, 1)) if line.startswith("last failure")]
    assert line.startswith("last failure: trial 19: RuntimeError: CUDA error")
    assert line.endswith("...")
    assert len(line) == 80


def test_with_one_objective_the_best_trial_and_its_parameters() -> None:
    text = lines(busy(ONE, 1))
    at = text.index("best so far: val_loss 1 (trial 0)")
    assert text[at + 1] == "kp 0.01, optimizer sgd"


def test_with_several_a_few_of_the_front_and_how_many_there_are() -> None:
    text = lines(busy(TWO, 1))
    at = text.index("best trade-offs so far: 6 of 19")
    assert [line.split()[0] for line in text[at + 2 :]] == ["18", "14", "11", "7", "4", "0"]
    assert "best trade-offs so far: 2 of 19" in lines(busy(TWO, 64))


def test_objectives_without_room_are_counted() -> None:
    assert "2 more objectives in a wider terminal" in lines(busy(MANY, 1), width=70)
    assert not any("wider" in line for line in lines(busy(MANY, 1), width=160))


def test_nothing_jumps_when_a_trial_ends_before_the_next_starts() -> None:
    watched = busy(TWO, 4)
    before = lines(watched)
    watched.end(trial(20, "PRUNED"))
    watched.end(trial(22, "PRUNED"))
    assert len(lines(watched)) == len(before)


def test_without_unicode_it_is_plain() -> None:
    drawn = frame(busy(TWO, 64).standing, "a study", 80, 24, ascii_only=True).plain
    assert drawn.isascii()
    assert "##--" in drawn


def test_what_it_says_needs_no_colour_and_no_dim_text() -> None:
    for span in frame(busy(TWO, 64).standing, "a study", 80, 24, ascii_only=False).spans:
        assert str(span.style) in ("bold", "not bold", "not bold green", "red", "")


@pytest.mark.parametrize("width", [60, 80, 160])
def test_of_a_fork_the_rows_stand_in_the_table(width: int) -> None:
    watched = Watched(constraints=[Constraint(metric="val_accuracy", at_least=0.7)])
    watched.whole(forked(0, 0.8))
    watched.whole(forked(1, 0.5))
    watched.standing.started(begun(forked(2, 0.5)), resumed=False)
    watched.standing.reported(trial(2), Key(2, 1, FORK[0].name), [row(3, val_accuracy=0.25)])
    found = lines(watched, width)
    assert all(len(line) <= width for line in found)
    assert "best trade-offs so far: 3 of 3" in found
    assert [line.split()[:3] for line in found[-3:]] == [
        ["0", "mc_samples=50", "0.91"],
        ["0", "mc_samples=5", "0.86"],
        ["0", "mc_samples=1", "0.81"],
    ]
    assert found[2] == "2 complete (1 breaks a constraint), 1 running, 7 to start"
    assert ["2", "3/20", "0.25"] in [line.split()[:3] for line in found]
