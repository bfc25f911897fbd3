"""The outbox on a clock that is turned by hand."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from sparsetune.tracking.outbox import FLUSH_SECONDS, RETRY_SECONDS, Outbox


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
