"""States, all that the coming steps depend on, as nested mappings that a file can hold, and what starts from them.

A walk's agenda is what is still to be trained; a state is dropped when nothing names it any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sparsetune.measures.cost import Cost
from sparsetune.training import tensors
from sparsetune.training.keys import digest_of_state
from sparsetune.training.setup import Setup
from sparsetune.training.tensors import cloned
from sparsetune.training.walk.journal import Journal
from sparsetune.training.walk.union import Looked, Node, Union

OF_WEIGHTS = ("network", "task", "masks", "optimizer", "method")  # what a best evaluation is better by
MEASURED = ("network", "task", "masks")  # what results are of
State = dict[str, Any]
BEGINNING = "beginning"  # the key of the state before any training


def captured(setup: Setup) -> State:
    """The present state, in the memory in which training goes on."""
    session = setup.session
    return {
        "network": setup.network.state_dict(),
        "task": setup.task.state_dict(),
        "masks": dict(session.masks),
        "optimizer": setup.optimizer.state_dict(),
        "method": setup.method.state_dict(),
        "counters": session.counters.state_dict(),
        "cost": asdict(session.cost),
        "snapshots": dict(session.snapshots),
        "memory": dict(session.memory),
    }


def put_back(setup: Setup, state: Mapping[str, Any]) -> None:
    """Go on from a state; it stays as it is, for an optimiser trains on in the tensors that it is given."""
    session, device = setup.session, setup.session.device
    tensors.put_back(setup.network, state["network"])
    setup.task.load_state_dict(state.get("task", {}))  # of a checkpoint of an earlier version none, nor below
    session.masks = {name: mask.to(device) for name, mask in state["masks"].items()}
    setup.optimizer.load_state_dict(cloned(state["optimizer"]))
    setup.method.load_state_dict(cloned(state["method"]))
    tensors.check_moments(setup.optimizer)
    session.counters.load_state_dict(state["counters"])
    session.cost = Cost(**state["cost"])
    session.snapshots = dict(state["snapshots"])
    session.memory = dict(state.get("memory", {}))


def content_of(setup: Setup) -> str:
    """A digest of all that what follows depends on: equal states have equal ones, whatever they have cost."""
    return digest_of_state({name: value for name, value in captured(setup).items() if name != "cost"})


def _measured(state: State) -> Any:
    """A copy of what results are of; the best of a checkpoint of an earlier version has no task."""
    return cloned({part: state[part] for part in MEASURED if part in state})


class Ends:
    """The agenda of a walk.

    Attributes:
        agenda: numbers of nodes with the keys of their starts; the last is the next.
        live: the key of the end in which network, optimiser and method stand; empty when it is none.
        aside: states by key, with what may be measured again; they never change.
    """

    def __init__(self, union: Union, setup: Setup, *, shelved: bool) -> None:
        """Args: shelved: the ends of stages that other trainings may have are kept until they are on a shelf."""
        self._union, self._setup, self._shelved = union, setup, shelved
        self.agenda = [(root.number, BEGINNING) for root in reversed(union.roots)]
        self.live = BEGINNING
        self._shared = any(node.stage.content for node in union.nodes)
        self.aside: dict[str, State] = {BEGINNING: cloned(captured(setup))} if len(union.roots) > 1 else {}

    def pop(self) -> tuple[Node, str]:
        """The next node and the key of its start."""
        number, start = self.agenda.pop()
        return self._union.nodes[number], start

    def begin_at(self, key: str) -> None:
        """Let training stand where a node begins, and be no end's from then on."""
        self.stand_at(key)
        self.live = ""
        self._forget()

    def stand_at(self, key: str) -> None:
        """Let training stand where a stage has ended; forget what nothing needs any more."""
        if self.live != key:
            put_back(self._setup, self.aside[key])
            self.live = key
        self._forget()

    def take(self, states: Mapping[str, State]) -> None:
        """Other trainings have left these."""
        self._forget()
        self.aside |= states

    def _forget(self) -> None:
        """What is live may still be measured again."""
        needed = {self.live, *(start for _, start in self.agenda)}
        if not self._shared:
            self.aside = {name: state for name, state in self.aside.items() if name in needed}

    def leave(self, node: Node, looked: Looked, key: str, best: State | None, *, goes_on: bool) -> None:
        """A view has ended: keep its state, if something starts from it and cannot just go on.

        Args:
            best: what the state of its best evaluation has instead, if it is to be kept.
            goes_on: training of the stage goes on for other views.
        """
        as_it_is = looked.view.keep == "last"
        if as_it_is and not goes_on:
            self.live = key
        followed = any(child.start == looked.end for child in node.children)
        just_goes_on = self.live == key and len(node.children) == 1
        shelved = self._shelved and node.reused
        again = (self._shared or shelved) and bool(looked.view.results)
        if key not in self.aside and ((followed and not just_goes_on) or again or shelved):
            state = captured(self._setup)
            state = state if as_it_is or best is None else {**state, **best}
            copied = cloned({name: part for name, part in state.items() if name != "snapshots"})  # these never change
            self.aside[key] = {**copied, "snapshots": state["snapshots"], "results": {}}
        if again:
            last = captured(self._setup)
            of = {"best": best or last, "last": last}
            self.aside[key]["results"][looked.key] = {which: _measured(of[which]) for which in looked.view.results}

    def following(self, node: Node, journal: Journal) -> list[tuple[int, str]]:
        """What starts from the ends of a node, in the order in which it is trained, with the keys of these ends."""
        ends = {looked.end: end for looked in node.views if (end := journal.of(node, looked).end)}
        coming = [child for child in node.walked() if ends.get(child.start) and journal.alive(child.branches)]
        return [(child.number, ends[child.start]) for child in coming]

    def state_dict(self) -> dict[str, Any]:
        return {"agenda": [list(each) for each in self.agenda], "live": self.live, "aside": dict(self.aside)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.agenda = [(number, start) for number, start in state["agenda"]]
        self.live, self.aside = state["live"], dict(state["aside"])
