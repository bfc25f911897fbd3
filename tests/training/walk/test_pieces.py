"""Procedures piece by piece: what they are called with when a training goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from sparsetune.sparsity.session import Session
from sparsetune.training.session import TrainingSession
from sparsetune.training.walk.cursor import Cursor
from sparsetune.training.walk.walking import pieces


@dataclass(frozen=True)
class Noted:
    """Yields the state that it is called with, once."""

    states: list[Any] = field(default_factory=list)

    def __call__(self, session: Session, state: Any = None) -> Iterator[tuple[Any, float]]:
        self.states.append(state)
        yield state or 0, 0.5


def test_a_state_comes_back_on_the_session_s_device() -> None:
    """Checkpoints are read into main memory, wherever the tensors were."""
    session = TrainingSession.of(nn.Linear(2, 1), device=torch.device("meta"))
    saved = (1, {"values": torch.zeros(3), "parts": [torch.ones(2), 0.5], "none": None})
    procedure, cursor = Noted(), Cursor(0, "key", pieces=4, state=saved)
    assert list(pieces(procedure, session, cursor, "before")) == [0.5]
    number, state = procedure.states[0]
    assert (number, state["parts"][1], state["none"]) == (1, 0.5, None)
    assert [each.device.type for each in (state["values"], state["parts"][0])] == ["meta", "meta"]
    assert (cursor.procedures, cursor.state) == (1, None)


def test_without_a_state_a_procedure_begins() -> None:
    procedure, cursor = Noted(), Cursor(0, "key")
    list(pieces(procedure, TrainingSession.of(nn.Linear(2, 1)), cursor, "before"))
    assert procedure.states == [None]
