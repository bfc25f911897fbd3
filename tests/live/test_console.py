"""The observer on a log file and on a terminal, with a clock that is turned by hand."""

from __future__ import annotations

import io
import os
import re
import signal
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from watching import EPOCHS, Clock, Terminal, complete, observer, row, run, trial

from sparsetune.base.messages import Key
from sparsetune.live.console import MOST, SILENCE, WINDOW
from sparsetune.live.screen import ScreenDisplay


class Log(io.StringIO):
    @property
    def lines(self) -> list[str]:
        return self.getvalue().splitlines()


def printed(file: io.StringIO) -> str:
    """What a terminal got, without its control sequences; a carriage return begins a line."""
    return re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", file.getvalue()).replace("\r", "\n")


def test_a_log_has_one_line_a_trial() -> None:
    file, clock = Log(), Clock()
    watcher = observer(file, clock, total=3)
    run(watcher, clock, complete(0, 0.9, 0.5))
    run(watcher, clock, trial(1, "FAIL", reason="RuntimeError: [/b] in\n two lines " + "x" * 300))
    run(watcher, clock, trial(2, "PRUNED", reason="pruned after epoch 3"))
    watcher.close()
    assert file.lines == [
        "[1/3] trial 0 COMPLETE val_accuracy 0.9  compute_saved 0.5 (0.6 s)",
        f"[2/3] trial 1 FAIL RuntimeError: [/b] in two lines {'x' * 300} (0.6 s)",
        "[3/3] trial 2 PRUNED pruned after epoch 3 (0.6 s)",
    ]


def test_a_log_of_thousands_of_short_trials_stays_short() -> None:
    file, clock = Log(), Clock()
    watcher = observer(file, clock, total=10_000)
    for number in range(10_000):
        run(watcher, clock, complete(number, number / 10_000, -number), seconds=0.05)
    watcher.close()
    assert len(file.lines) <= MOST + 500 / WINDOW + 1
    assert file.lines[MOST - 1].startswith(f"[{MOST}/10000] trial ")
    assert re.fullmatch(
        r"\[\d+/10000\] \d+ complete; best val_accuracy 0\.\d+ \(trial \d+\), compute_saved 0 \(trial 0\); "
        r"time left about \d.*",
        file.lines[MOST],
    )
    assert file.lines[-1].startswith("[10000/10000] 10000 complete; best val_accuracy 0.9999 (trial 9999), ")


def test_a_log_says_what_runs_when_nothing_ends_for_long() -> None:
    file, clock = Log(), Clock()
    watcher = observer(file, clock)
    watcher.trial_started(trial(0), resumed=False)
    for epoch in range(1, EPOCHS):
        clock.now += SILENCE / 3
        watcher.trial_reported(trial(0), Key(0), (row(epoch, val_accuracy=0.1 * epoch),))
    assert [re.sub("; time.*", "", line) for line in file.lines] == [
        f"[0/10] running: trial 0 epoch {epoch}/{EPOCHS} val_accuracy 0.{epoch}" for epoch in (3, 6, 9)
    ]


@pytest.mark.parametrize("kind", [Log, Terminal])
def test_a_trial_that_goes_on_is_said(kind: type[io.StringIO]) -> None:
    file = kind()
    watcher = observer(file, Clock())
    watcher.trial_started(trial(4), resumed=True)
    watcher.close()
    assert "trial 4 goes on from its last checkpoint\n" in printed(file)


def test_a_trial_that_was_not_started_is_not_counted() -> None:
    file = Log()
    observer(file, Clock()).trial_ended(complete(0, 0.5, 0.5), {}, {})
    assert file.getvalue() == ""


@pytest.mark.parametrize("kind", [Log, Terminal])
def test_a_quiet_console_is_silent(kind: type[io.StringIO]) -> None:
    file, clock = kind(), Clock()
    watcher = observer(file, clock, quiet=True)
    run(watcher, clock, complete(0, 0.5, 0.5))
    watcher.close()
    assert file.getvalue() == ""


@pytest.mark.parametrize("environment", [{"FORCE_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_picture_where_nothing_can_be_redrawn(environment: dict[str, str]) -> None:
    """Colours may be forced into a log of a build server; a picture would be lines without end."""
    file, clock = (Log() if "FORCE_COLOR" in environment else Terminal()), Clock()
    watcher = observer(file, clock, _environ=environment)
    run(watcher, clock, complete(0, 0.5, 0.5))
    watcher.close()
    assert "\x1b" not in file.getvalue()
    assert file.getvalue().startswith("[1/10] trial 0 COMPLETE")


def test_a_terminal_gets_news_alone_and_is_left_clean() -> None:
    file, clock = Terminal(), Clock()
    watcher = observer(file, clock, total=6)
    values = [(0.5, 0.5), (0.4, 0.4), (0.6, 0.1), (0.5, 0.5)]
    for number, each in enumerate(values):
        run(watcher, clock, complete(number, *each))
    run(watcher, clock, trial(4, "PRUNED", reason="pruned after epoch 3"))
    run(watcher, clock, trial(5, "FAIL", reason="no [memory] left " + "x" * 300))
    watcher.close()
    said = [line.rstrip() for line in printed(file).splitlines() if line.startswith("trial ") and ":" in line]
    assert said == [
        "trial 2: val_accuracy 0.6, the best so far (compute_saved 0.1)",
        "trial 5 failed: no [memory] left " + "x" * 44 + "...",
    ]
    assert file.getvalue().endswith("\x1b[2K")  # the picture is gone,
    assert file.getvalue().rindex("\x1b[?25h") > file.getvalue().rindex("\x1b[?25l")  # the cursor there again


def test_failures_by_the_hundred_do_not_flood_a_terminal() -> None:
    file, clock = Terminal(), Clock()
    watcher = observer(file, clock, total=1000)
    for number in range(600):
        run(watcher, clock, trial(number, "FAIL", reason="no memory"), seconds=0.1)
    watcher.close()
    assert printed(file).count(" failed: no memory") == 10
    assert 4 <= printed(file).count("more failures: [") <= 6


def test_the_picture_is_drawn_with_the_terminals_size_and_what_there_is() -> None:
    file, clock = Terminal(), Clock()
    watcher = observer(file, clock, total=2)
    watcher.trial_started(trial(0), resumed=False)
    clock.now = 30.0
    watcher.trial_reported(trial(0), Key(0), (row(5, val_accuracy=0.25),))
    watcher.close()
    drawn = printed(file)
    assert "a study ━━━" in drawn
    assert re.search(r"0 +5/10 +0\.25 +- +0:30", drawn)


def test_a_study_with_nothing_to_do_draws_nothing() -> None:
    file = Terminal()
    observer(file, Clock(), total=1, earlier=[complete(0, 0.5, 0.5)]).close()
    assert file.getvalue() == ""


def test_a_redraw_does_not_wait_for_a_signal_handler_that_prints() -> None:
    """The handler waits for the redraw while its thread holds what is drawn: the redraw gives way."""
    lock = threading.RLock()
    watched = observer(Log(), Clock())._standing
    display = ScreenDisplay(Console(file=Terminal(), width=80, height=24), watched, "a study", lock)
    before = display._draw()
    drawn: list[Any] = []
    with lock:
        watched.started(trial(0), resumed=False)
        thread = threading.Thread(target=lambda: drawn.append(display._draw()))
        thread.start()
        thread.join(timeout=30)
    assert drawn == [before]
    assert str(display._draw()) != str(before)


class Stopped(Terminal):
    """A terminal in which Ctrl-S was pressed: nothing is written until Ctrl-Q."""

    def __init__(self) -> None:
        super().__init__()
        self.going = threading.Event()

    def write(self, text: str) -> int:
        self.going.wait(timeout=60)
        return super().write(text)


def test_no_trial_waits_for_a_terminal_that_is_stopped() -> None:
    file, clock = Stopped(), Clock()
    watcher = observer(file, clock, total=20)
    for number in range(20):
        run(watcher, clock, trial(number, "FAIL", reason="why"))
    assert file.getvalue() == ""
    file.going.set()
    watcher.close()
    assert "trial 3 failed: why" in printed(file)


class Gone(Terminal):
    """A terminal that was closed while the study ran."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize("kind", ["gone", "closed", "pipe"])
def test_an_output_that_fails_never_reaches_the_study(kind: str, tmp_path: Path) -> None:
    file: Any = Gone()
    if kind == "closed":
        file = Terminal()
        file.close()
    elif kind == "pipe":
        reading, writing = os.pipe()
        os.close(reading)
        file = os.fdopen(writing, "w")
    clock = Clock()
    watcher = observer(file, clock)
    for number in range(3):
        run(watcher, clock, complete(number, 0.5, 0.5))
    run(watcher, clock, trial(3, "FAIL", reason="why"))
    watcher.close()
    file.close()


def test_the_users_output_to_a_file_stays_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "out").open("w") as out:
        monkeypatch.setattr("sys.stdout", out)
        watcher = observer(Terminal(), Clock())
        watcher.trial_started(trial(0), resumed=False)
        print("mine")
        watcher.close()
    assert (tmp_path / "out").read_text() == "mine\n"


def test_ctrl_c_in_the_middle_leaves_the_terminal_clean() -> None:
    file, clock = Terminal(), Clock()
    watcher = observer(file, clock)
    watcher.trial_started(trial(0), resumed=False)
    with pytest.raises(KeyboardInterrupt), closing(watcher):
        signal.raise_signal(signal.SIGINT)
    assert file.getvalue().endswith("\x1b[2K")
