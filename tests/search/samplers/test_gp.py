"""What failed or was pruned, as a sampler hears of it that reads complete trials only."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution
from optuna.samplers import BaseSampler, GPSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from search.cells import problem, sampler_config
from sparsetune.base.seeds import mix
from sparsetune.config.space.parameters import Float
from sparsetune.search.samplers import SAMPLERS
from sparsetune.search.samplers.gp import heard
from sparsetune.search.space import quiet

LESS, MORE = StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE
SPACE = {"x": FloatDistribution(0, 1)}


def trial(state: str, *values: float, bounds: dict[str, float] | None = None, lacks: bool = False) -> FrozenTrial:
    """One trial; ``bounds`` are violations by constraint; one that ``lacks`` its parameter."""
    return create_trial(
        state=TrialState[state],
        values=values or None,
        params={} if lacks else {"x": 0.5},
        distributions={} if lacks else SPACE,
        system_attrs={f"constraints:{name}": value for name, value in (bounds or {}).items()},
    )


def told(*trials: FrozenTrial, directions: tuple[StudyDirection, ...] = (LESS,)) -> list[tuple[Any, ...]]:
    return [(each.state.name, *(each.values or ()), dict(each.constraints)) for each in heard(trials, directions)]


def complete(*values: float, **bounds: float) -> FrozenTrial:
    return trial("COMPLETE", *values, bounds=bounds)


def pruned(**bounds: float) -> FrozenTrial:
    return trial("PRUNED", bounds=bounds)


CASES: dict[str, tuple[list[FrozenTrial], dict[str, Any], list[tuple[Any, ...]]]] = {
    "the largest of losses": ([complete(1.0), pruned(), complete(3.0)], {}, [(1.0, {}), (3.0, {}), (3.0, {})]),
    "the smallest of accuracies": (
        [complete(0.9), pruned(), complete(0.2)],
        {"directions": (MORE,)},
        [(0.9, {}), (0.2, {}), (0.2, {})],
    ),
    "of each objective": (
        [complete(0.9, 5.0), complete(0.2, 1.0), pruned()],
        {"directions": (MORE, LESS)},
        [(0.9, 5.0, {}), (0.2, 1.0, {}), (0.2, 5.0, {})],
    ),
    "beyond one that is alone": ([complete(2.0), pruned()], {}, [(2.0, {}), (4.0, {})]),
    "beyond equals": (
        [complete(0.1), complete(0.1), pruned()],
        {"directions": (MORE,)},
        [(0.1, {}), (0.1, {}), (pytest.approx(0.0), {})],
    ),
    "beyond nothing": ([complete(0.0), pruned()], {}, [(0.0, {}), (1.0, {})]),
    "infinite is no worst": (
        [complete(1.0), complete(math.inf), complete(2.0), pruned()],
        {},
        [(1.0, {}), (math.inf, {}), (2.0, {}), (2.0, {})],
    ),
    "what failed breaks no constraint of a study without": (
        [complete(1.0), complete(3.0), pruned(failed=math.inf)],
        {},
        [(1.0, {}), (3.0, {}), (3.0, {})],
    ),
    "a constraint that is not known": (
        [complete(1.0, a=-1.0), complete(3.0, a=0.5), pruned(failed=math.inf)],
        {},
        [(1.0, {"a": -1.0}), (3.0, {"a": 0.5}), (3.0, {"a": 0.5})],
    ),
    "one that is": (
        [complete(1.0, a=-1.0), complete(3.0, a=0.5), pruned(a=0.1)],
        {},
        [(1.0, {"a": -1.0}), (3.0, {"a": 0.5}), (3.0, {"a": 0.1})],
    ),
    "one that all meet": (
        [complete(1.0, a=-1.0), complete(3.0, a=-4.0), pruned()],
        {},
        [(1.0, {"a": -1.0}), (3.0, {"a": -4.0}), (3.0, {"a": 4.0})],
    ),
    "one that is broken without end": (
        [complete(1.0, a=-1.0), complete(3.0, a=math.inf), complete(2.0, a=0.2)],
        {},
        [(1.0, {"a": -1.0}), (3.0, {"a": 0.2}), (2.0, {"a": 0.2})],
    ),
    "one that is only broken without end": ([complete(1.0, a=math.inf)], {}, [(1.0, {"a": 1.0})]),
}


@pytest.mark.parametrize(("trials", "of", "expected"), CASES.values(), ids=CASES)
def test_by_hand(trials: list[FrozenTrial], of: dict[str, Any], expected: list[tuple[Any, ...]]) -> None:
    by_order = [("COMPLETE", *each) for each in expected]
    assert sorted(told(*trials, **of), key=repr) == sorted(by_order, key=repr)


def test_what_is_left_as_it_is() -> None:
    """Running trials, one whose config had no value, and all of them as long as none is complete."""
    alone = [pruned(), trial("RUNNING")]
    assert told(*alone) == [("PRUNED", {}), ("RUNNING", {})]
    assert told(*alone, complete(1.0), trial("PRUNED", lacks=True)) == [
        ("COMPLETE", 2.0, {}), ("RUNNING", {}), ("COMPLETE", 1.0, {}), ("PRUNED", {}),
    ]  # fmt: skip


VALUES = st.floats(-1e9, 1e9) | st.sampled_from([0.0, 1.0])


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=8),
    bounds=st.lists(st.floats(-5, 5) | st.just(math.inf), min_size=8, max_size=8),
    lost=st.integers(0, 4),
)
def test_nothing_is_heard_of_as_worse(values: list[tuple[float, float]], bounds: list[float], lost: int) -> None:
    """And complete trials as they are, but for what is endless; the trials themselves stay as they were."""
    trials = [complete(*each, a=bound) for each, bound in zip(values, bounds, strict=False)]
    trials += [pruned(failed=math.inf) for _ in range(lost)]
    found = heard(trials, (LESS, MORE))
    known, others = found[: len(values)], found[len(values) :]
    assert [tuple(each.values) for each in known] == values
    assert all(each.values[0] >= max(a for a, _ in values) for each in others)
    assert all(each.values[1] <= min(b for _, b in values) for each in others)
    assert all(list(each.constraints) == ["a"] and math.isfinite(each.constraints["a"]) for each in found)
    assert all(each.constraints["a"] > 0 for each in others)
    assert all(each.state is TrialState.PRUNED and each.values is None for each in trials[len(values) :])


def proposed(sampler: Callable[[int], BaseSampler], count: int) -> list[float]:
    """Points after five that rise towards an edge, beyond which all that is proposed is lost."""
    study = optuna.create_study()
    for step in range(5):
        study.add_trial(create_trial(value=-step / 10, params={"x": step / 10}, distributions=SPACE))
    for number in range(count):
        with quiet():
            study.sampler = sampler(number)
        asked = study.ask()
        asked.suggest_float("x", 0.0, 1.0)
        study.tell(asked, state=TrialState.PRUNED)
    return [each.params["x"] for each in study.trials[5:]]


@pytest.mark.parametrize("seed", range(2))
def test_gp_does_not_insist_on_what_is_lost(seed: int) -> None:
    """Optuna's own proposes the same point again and again, but for the last digits of its optimum."""
    of, config = problem({"x": Float(low=0.0, high=1.0)}, seed=seed), sampler_config("gp", n_startup_trials=4)
    deaf = proposed(lambda number: GPSampler(n_startup_trials=4, seed=mix(seed, number)), 3)
    ours = proposed(lambda number: SAMPLERS.get("gp").make(config, of, number), 3)
    assert ours[0] == deaf[0], "there is nothing to hear of yet"
    assert max(deaf) - min(deaf) < 0.001
    assert min(abs(a - b) for a, b in combinations(ours, 2)) > 0.05


def test_gp_begins_where_most_is_lost() -> None:
    """What is lost counts among the random trials of the beginning, once one is complete."""
    of = problem({"x": Float(low=0.0, high=1.0)})
    config = sampler_config("gp", n_startup_trials=5)

    def drawn(states: list[str]) -> float:
        study = optuna.create_study()
        for number, state in enumerate(states):
            value = number / 10 if state == "COMPLETE" else None
            params, kind = {"x": number / 10}, TrialState[state]
            study.add_trial(create_trial(state=kind, value=value, params=params, distributions=SPACE))
        with quiet():
            study.sampler = SAMPLERS.get("gp").make(config, of, 7)
        return study.ask().suggest_float("x", 0.0, 1.0)

    random = drawn([])
    assert drawn(["PRUNED"] * 5) == random, "of no complete one there is no model"
    assert drawn(["COMPLETE"] + ["PRUNED"] * 3) == random
    assert drawn(["COMPLETE"] + ["PRUNED"] * 4) != random
