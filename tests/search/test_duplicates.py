"""``duplicates``: what becomes of a trial like one that is complete."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sparsetune.search.storage import read_study

from .begun import begin, go_on, run
from .toys import SPACE, make, rows, tell, told, work

POINT = {"method.x": 1.0, "method.kind": "c", "method.k": 3}
CHOICES = {"method.kind": SPACE["method.kind"], "method.k": {"choice": [1, 3]}}


def ask(ledger: Any, times: int) -> list[Any]:
    return [work(ledger, ledger.ask()) for _ in range(times)]


def seeds(trial: Any) -> list[int]:
    return list(dict.fromkeys(run.key.seed for run in trial.runs))


def test_a_known_trial_is_complete_at_once_and_says_whose_result_it_has(tmp_path: Path) -> None:
    ledger = begin(make(tmp_path, space=CHOICES, sampler="random", budget={"trials": 40}))
    trained = go_on(ledger)
    first: dict[str, Any] = {}
    for trial in ledger.trials():
        earlier = first.get(repr(trial.params))
        if trial.state == "COMPLETE" and earlier is None:
            first[repr(trial.params)] = trial
        if trial.number not in trained:
            assert trial.notes == {"same_as": f"trial {earlier.number}"}
            assert (trial.values, trial.metrics, trial.config) == (earlier.values, earlier.metrics, earlier.config)
    assert len(ledger) == 40  # a trial of the budget each, or the study would never end
    complete = [trial for trial in ledger.trials() if trial.number in trained and trial.state == "COMPLETE"]
    assert len(complete) == len(first) == 6


def test_a_choice_only_space_ends_with_tpe(tmp_path: Path) -> None:
    ledger = begin(make(tmp_path, space=CHOICES, budget={"trials": 25}))
    assert len(go_on(ledger)) < 15
    assert told(begin(make(tmp_path, space=CHOICES, budget={"trials": 25}))) == told(ledger)


def test_allow_trains_again(tmp_path: Path) -> None:
    ledger = begin(make(tmp_path, space=CHOICES, sampler="random", budget={"trials": 20}, duplicates="allow"))
    assert go_on(ledger) == list(range(20))


@pytest.mark.parametrize("replicates", [1, 2])
def test_replicate_takes_the_next_seeds(replicates: int, tmp_path: Path) -> None:
    study = make(
        tmp_path, space={"method.kind": {"choice": ["c"]}}, sampler="random", duplicates="replicate", seed=10,
        replicates=replicates, budget={"trials": 4},
    )  # fmt: skip
    ledger = begin(study)
    assert go_on(ledger) == [0, 1, 2, 3]
    taken = [seed for trial in ledger.trials() for seed in seeds(trial)]
    assert taken == list(range(10, 10 + 4 * replicates))
    assert [trial.config["seed"] for trial in ledger.trials()] == taken[::replicates], "of the first replicate"
    stored = read_study(study.storage, study.name).trials
    assert [trial.config["seed"] for trial in stored] == taken[::replicates]
    assert len({trial.values for trial in ledger.trials()}) == 4
    assert told(begin(study)) == told(ledger)


def test_a_trial_with_another_seed_gives_its_config_as_it_was_trained(tmp_path: Path) -> None:
    """As `best` prints it, and as a `run` file trains it again: `work` of the toys follows the seed."""
    study = make(tmp_path, space={"method.x": {"choice": [0.5]}}, sampler="random", duplicates="replicate")
    ledger = begin(study)
    for trial in ask(ledger, 3):
        (run,) = trial.runs
        assert trial.config["seed"] == run.key.seed == trial.number
        assert [*rows(trial.config)][-1].metrics == run.metrics


def test_replicate_takes_no_seed_that_is_being_trained(tmp_path: Path) -> None:
    study = make(tmp_path, space={"method.kind": {"choice": ["c"]}}, sampler="random", duplicates="replicate")
    ledger = begin(study)
    assert [seeds(ledger.ask()) for _ in range(2)] == [[0], [1]]
    again = begin(study)
    assert [seeds(trial) for trial in again.trials()] == [[0], [1]]
    assert seeds(again.ask()) == [2]


@pytest.mark.parametrize("state", ["FAIL", "PRUNED"])
def test_what_failed_or_was_pruned_is_trained_again(state: Any, tmp_path: Path) -> None:
    ledger = begin(make(tmp_path, space={"method.kind": {"choice": ["c"]}}, sampler="random"))
    tell(ledger, ledger.ask().number, state, {"val_loss": 1.0}, "because")
    second = ledger.ask()
    assert second.state == "RUNNING"
    work(ledger, second)
    third = ledger.ask()
    assert (third.state, third.notes) == ("COMPLETE", {"same_as": "trial 1"})


def test_a_changed_code_is_another_trial(tmp_path: Path) -> None:
    study = make(tmp_path, space={"method.kind": {"choice": ["c"]}}, sampler="random")
    ask(begin(study), 2)
    warnings: list[str] = []
    ledger = begin(study, warnings, {"code": "0ther", "torch": "2"})
    assert [trial.state for trial in ledger.trials()] == ["COMPLETE"] * 2
    assert ledger.ask().state == "RUNNING"
    assert "environment changed" in warnings[0]


def test_a_grid_trains_each_point_once(tmp_path: Path) -> None:
    grid = {"space": {"method.k": SPACE["method.k"], "method.kind": SPACE["method.kind"]}, "sampler": "grid"}
    ledger = begin(make(tmp_path, **grid, budget={"trials": 99}))
    assert go_on(ledger) == list(range(15))
    old = sum(trial.state == "COMPLETE" for trial in ledger.trials())
    again = begin(make(tmp_path, study="again", **grid, start_with=[{"all_of": "toys"}], budget={"trials": 99}))
    assert len(go_on(again)) == 15 - old  # what had failed
    assert {repr(t.params) for t in again.trials()} == {repr(t.params) for t in ledger.trials()}


def test_where_known_files_lie_makes_no_other_trial(tmp_path: Path) -> None:
    """``data.root`` may differ between two runs of a study; what the files hold is part of the key."""
    from sparsetune.app.study import load
    from sparsetune.search.duplicates import Tried
    from sparsetune.testing.studies import write_study

    study = load(write_study(tmp_path, data={"name": "mnist", "root": "here"}))
    config = study.trial.plain()
    moved = {**config, "data": {**config["data"], "root": "there"}}
    digested, undigested = (Tried(study, environment, {}) for environment in ({"data": "1f"}, {"torch": "2"}))
    assert digested.like(config) == digested.like(moved)
    assert undigested.like(config) != undigested.like(moved)
    assert Tried(study, {"data": "2e"}, {}).like(config) != digested.like(config)


def test_a_result_goes_with_every_run_of_a_trial(tmp_path: Path) -> None:
    """Branches and replicates, with the number of the trial that takes them over."""
    study = {"space": CHOICES, "sampler": "random", "fork": {"method.samples": [1, 2]}, "replicates": 2}
    trials = run(tmp_path, "forked", **study, budget={"trials": 20})
    copies = [trial for trial in trials if "same_as" in trial.notes]
    assert copies
    for trial in copies:
        original = trials[int(trial.notes["same_as"].removeprefix("trial "))]
        assert [(r.key.seed, r.key.branch, r.metrics) for r in trial.runs] == [
            (r.key.seed, r.key.branch, r.metrics) for r in original.runs
        ]
        assert {r.key.number for r in trial.runs} == {trial.number}
        assert (trial.values, trial.errors) == (original.values, original.errors)
