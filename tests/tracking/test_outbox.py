"""The outbox on a clock that is turned by hand."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sized
from dataclasses import dataclass
from pathlib import Path

import pytest

from sparsetune.base.messages import Files, Key, Row, Trial
from sparsetune.tracking import outbox
from sparsetune.tracking.outbox import FLUSH_SECONDS, RETRY_SECONDS, Background, Outbox


@dataclass
class Item:
    name: str
    ended: bool = False
    doubts: int = 0

    def doubt(self) -> None:
        self.doubts += 1


class Interrupted:
    """A server at which Ctrl-C is pressed once."""

    def __init__(self) -> None:
        self.calls = 0

    def send(self, item: Item) -> None:
        self.calls += 1
        if self.calls == 1:
            raise KeyboardInterrupt


class Server:
    def __init__(self) -> None:
        self.now, self.up = 0.0, True
        self.bad: set[str] = set()
        self.got: list[str] = []
        self.warnings: list[Exception] = []
        self.box: Outbox[int, Item] = Outbox(self.send, lambda: self.up, self.warnings.append, lambda: self.now)

    def send(self, item: Item) -> None:
        if not self.up or item.name in self.bad:
            raise OSError("no")
        self.got.append(item.name)

    def offer(self, number: int, item: Item) -> None:
        self.box.waiting[number] = item
        self.box.offer([number])


def test_running_items_are_flushed_every_few_seconds_and_stay() -> None:
    server = Server()
    server.offer(1, Item("a"))
    server.box.tick()
    assert server.got == ["a"]
    server.now = FLUSH_SECONDS
    server.box.tick()
    server.box.tick()
    assert server.got == ["a", "a"]
    assert 1 in server.box.waiting


def test_an_outage_is_met_once_in_a_while_and_then_everything_is_sent() -> None:
    server = Server()
    server.up = False
    for number, name in enumerate("abc"):
        server.offer(number, Item(name, ended=True))
    assert server.box.waiting[0].doubts == 1
    assert server.box.waiting[1].doubts == 0, "the second was tried although the server is away"
    server.up = True
    server.offer(3, Item("d"))
    assert server.got == []
    server.now = RETRY_SECONDS
    server.offer(4, Item("e"))
    assert server.got == list("abcde")
    assert set(server.box.waiting) == {3, 4}
    assert len(server.warnings) == 1


def test_one_bad_item_holds_up_no_other() -> None:
    server = Server()
    server.bad = {"a"}
    server.offer(0, Item("a", ended=True))
    server.offer(1, Item("b", ended=True))
    server.bad.clear()
    server.box.flush()
    assert server.got == ["b", "a"]
    assert not server.box.waiting
    assert len(server.warnings) == 1


def test_an_interrupt_passes_and_the_item_is_sent_at_the_end() -> None:
    server = Interrupted()
    box: Outbox[int, Item] = Outbox(server.send, lambda: True, pytest.fail, lambda: 0.0)
    item = box.waiting[0] = Item("a", ended=True)
    with pytest.raises(KeyboardInterrupt):
        box.offer([0])
    assert item.doubts == 1
    box.flush()
    assert not box.waiting


TRIALS = [Trial(number, "COMPLETE", {}, {}) for number in range(20)]
ROWS = (Row(1, 1, {"loss": 1.0}),)


class Diary:
    """A tracker that writes down what it is told, each thing only once ``go`` is set."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []
        self.threads: set[str] = set()
        self.go = threading.Event()
        self.closed = False
        self.fails_at: int | None = None
        self.queue: Sized = ()
        self.longest = 0

    def write(self, what: str, number: int) -> None:
        self.go.wait()
        if number == self.fails_at:
            raise ArithmeticError("a fault of the tracker")
        self.told.append((what, number))
        self.longest = max(self.longest, len(self.queue))
        self.threads.add(threading.current_thread().name)

    def logged(self, number: int) -> bool:
        return ("ended", number) in self.told

    def trial_started(self, trial: Trial, *, resumed: bool) -> None:
        self.write("resumed" if resumed else "started", trial.number)

    def trial_reported(self, trial: Trial, key: Key, rows: tuple[Row, ...]) -> None:
        assert (key, rows) == (Key(trial.number), ROWS)
        self.write("reported", trial.number)

    def trial_ended(self, trial: Trial, rows: Mapping[Key, tuple[Row, ...]], files: Mapping[Key, Files]) -> None:
        assert (rows, files) == ({Key(trial.number): ROWS}, {Key(trial.number): {"a": Path("a")}})
        self.write("ended", trial.number)

    def close(self) -> None:
        self.closed = True


def tell(tracking: Background[Diary], trial: Trial) -> None:
    tracking.trial_started(trial, resumed=trial.number % 2 == 1)
    key = Key(trial.number)
    tracking.trial_reported(trial, key, ROWS)
    tracking.trial_ended(trial, {key: ROWS}, {key: {"a": Path("a")}})


def test_everything_is_told_in_order_from_one_thread() -> None:
    diary = Diary()
    tracking = Background(lambda: diary)
    for trial in TRIALS:
        tell(tracking, trial)
    assert not tracking.logged(0)
    diary.go.set()
    assert tracking.up_to_date() is diary
    starts = ["resumed" if trial.number % 2 else "started" for trial in TRIALS]
    assert diary.told == [(what, n) for n, start in enumerate(starts) for what in (start, "reported", "ended")]
    assert len(diary.threads) == 1
    assert threading.main_thread().name not in diary.threads
    assert tracking.logged(19)
    tracking.close()
    assert diary.closed


def test_the_tracker_is_opened_with_the_first_result() -> None:
    opened = threading.Event()
    diary = Diary()
    diary.go.set()

    def open_diary() -> Diary:
        opened.set()
        return diary

    tracking = Background(open_diary)
    tracking.trial_started(TRIALS[0], resumed=False)
    assert not opened.is_set()
    assert not tracking.logged(0)
    tracking.trial_reported(TRIALS[0], Key(0), ROWS)
    assert opened.wait(60)
    tracking.close()
    assert diary.told == [("started", 0), ("reported", 0)]


def test_the_driver_waits_when_too_much_is_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "LONGEST", 3)
    diary = Diary()
    tracking = Background(lambda: diary)
    driver = threading.Thread(target=lambda: [tell(tracking, trial) for trial in TRIALS])
    diary.queue = tracking._waiting
    driver.start()
    while len(tracking._waiting) < 3:
        assert driver.is_alive()
    diary.go.set()
    driver.join()
    tracking.close()
    assert (len(diary.told), diary.longest) == (60, 3)


def test_a_fault_of_the_tracker_reaches_the_driver() -> None:
    diary = Diary()
    diary.go.set()
    diary.fails_at = 1
    tracking = Background(lambda: diary)
    tell(tracking, TRIALS[0])
    tell(tracking, TRIALS[1])
    with pytest.raises(ArithmeticError, match="a fault"):
        tracking.up_to_date()


def test_a_tracker_that_cannot_be_opened_is_heard_of() -> None:
    def refuse() -> Diary:
        raise ValueError("no such place")

    tracking = Background(refuse)
    tracking.trial_reported(TRIALS[0], Key(0), ROWS)
    with pytest.raises(ValueError, match="no such place"):
        tracking.close()
