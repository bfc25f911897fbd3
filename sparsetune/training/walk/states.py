"""The state of a training, all that the coming steps depend on, as nested mappings and lists that a file can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sparsetune.measures.cost import Cost
from sparsetune.training import shapes
from sparsetune.training.copies import cloned
from sparsetune.training.keys import digest_of_state
from sparsetune.training.setup import Setup

OF_WEIGHTS = ("network", "masks", "optimizer", "method")  # what a best evaluation is better by
State = dict[str, Any]


def captured(setup: Setup) -> State:
    """The present state, in the memory in which training goes on."""
    session = setup.session
    return {
        "network": setup.network.state_dict(),
        "masks": dict(session.masks),
        "optimizer": setup.optimizer.state_dict(),
        "method": setup.method.state_dict(),
        "counters": session.counters.state_dict(),
        "cost": asdict(session.cost),
        "snapshots": dict(session.snapshots),
    }


def put_back(setup: Setup, state: Mapping[str, Any]) -> None:
    """Go on from a state; it stays as it is, for an optimiser trains on in the tensors that it is given."""
    session, device = setup.session, setup.session.device
    shapes.put_back(setup.network, state["network"])
    session.masks = {name: mask.to(device) for name, mask in state["masks"].items()}
    setup.optimizer.load_state_dict(cloned(state["optimizer"]))
    shapes.check_moments(setup.optimizer)
    setup.method.load_state_dict(cloned(state["method"]))
    session.counters.load_state_dict(state["counters"])
    session.cost = Cost(**state["cost"])
    session.snapshots = dict(state["snapshots"])


def content_of(setup: Setup) -> str:
    """A digest of all that what follows depends on: equal states have equal ones, whatever they have cost."""
    return digest_of_state({name: value for name, value in captured(setup).items() if name != "cost"})
