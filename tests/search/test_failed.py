"""What fails is learned from: a search does not go back again and again to where trainings come to nothing."""

from pathlib import Path
from typing import Any

import optuna
import pytest

from sparsetune.base.messages import Row, State
from sparsetune.search.storage import open_storage

from .toys import ONE, make, opened, tell, told

TRIALS = 40
EDGE = 0.5  # above it all fail, and the best lie below it
SPACE = {"method.x": {"float": [-2.0, 2.0]}, "method.y": {"float": [0.0, 1.0]}}


def losses(x: float, y: float) -> tuple[float, float]:
    return -x + y**2, (y - x) ** 2


def ours(root: Path, seed: int, objectives: list[dict[str, str]]) -> list[tuple[State, float]]:
    """How each trial ended, and where it was; the study is opened anew after every tenth."""
    study = make(
        root, space=SPACE, seed=seed, objectives=objectives, sampler={"name": "tpe"}, budget={"trials": TRIALS}
    )
    ledger = opened(study)
    while not ledger.spent:
        if len(ledger) % 10 == 9:
            ledger = opened(study)
        trial = ledger.ask()
        x, state = trial.params["method.x"], "COMPLETE"
        first, second = losses(x, trial.params["method.y"])
        (run,) = trial.runs
        metrics = {"val_loss": first, "val_accuracy": -second}
        if x > EDGE:
            state, metrics = "FAIL", {}
        changed: Any = {"state": state, "metrics": metrics, "reason": "too far" if state == "FAIL" else ""}
        ledger.tell(trial.number, state, [type(run)(**{**vars(run), **changed})], changed["reason"])  # type: ignore[arg-type]
    return [(trial.state, trial.params["method.x"]) for trial in ledger.trials()]


def plain(seed: int, several: bool) -> int:
    """How many fail where Optuna is told so, and overlooks it."""
    directions = ["minimize", "minimize"] if several else ["minimize"]
    study = optuna.create_study(directions=directions, sampler=optuna.samplers.TPESampler(seed=seed))
    for _ in range(TRIALS):
        trial = study.ask()
        x, y = trial.suggest_float("x", -2.0, 2.0), trial.suggest_float("y", 0.0, 1.0)
        if x > EDGE:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            study.tell(trial, losses(x, y) if several else losses(x, y)[0])
    return sum(trial.state is optuna.trial.TrialState.FAIL for trial in study.trials)


@pytest.mark.parametrize(
    "several",
    [pytest.param(False, id="one objective"), pytest.param(True, id="two objectives", marks=pytest.mark.slow)],
)
def test_half_as_many_fail_as_where_failures_are_overlooked(several: bool, tmp_path: Path) -> None:
    objectives = [{"metric": "val_loss", "goal": "minimize"}, {"metric": "val_accuracy", "goal": "maximize"}]
    found = [ours(tmp_path / str(seed), seed, objectives[: 1 + several]) for seed in range(5)]
    failed = [sum(state == "FAIL" for state, _ in each) for each in found]
    overlooked = [plain(seed, several) for seed in range(5)]
    print(failed, overlooked)
    assert sum(failed) <= sum(overlooked) / 2
    assert all((state == "FAIL") == (x > EDGE) for each in found for state, x in each), "listed as what they are"


@pytest.mark.slow
def test_what_fails_is_worse_than_what_breaks_a_constraint(tmp_path: Path) -> None:
    """Above 0 all fail, below none is accurate enough, by very little: the search goes there."""
    late = 0
    for seed in range(5):
        constraints = [{"metric": "val_accuracy", "at_least": 0.95}]
        study = make(tmp_path / str(seed), space=SPACE, constraints=constraints, seed=seed, budget={"trials": TRIALS})
        ledger = opened(study)
        while not ledger.spent:
            if len(ledger) % 10 == 9:
                ledger = opened(study)
            trial = ledger.ask()
            if trial.params["method.x"] > 0:
                tell(ledger, trial.number, "FAIL", {}, "too far")
            else:
                tell(ledger, trial.number, "COMPLETE", {"val_loss": trial.params["method.y"], "val_accuracy": 0.949})
        late += sum(trial.state == "FAIL" for trial in ledger.trials()[TRIALS // 2 :])
    print(late)
    assert late <= 5 * (TRIALS / 2) / 3, "at random it is half of them"


def test_what_fails_has_no_value_though_a_pruner_has_seen_it(tmp_path: Path) -> None:
    study = make(tmp_path, space=SPACE, objectives=ONE, pruner="median", sampler="tpe")
    ledger = opened(study)
    number = ledger.ask().number
    assert not ledger.report(number, Row(1, 0, {"val_loss": 0.5}))
    tell(ledger, number, "FAIL", {"val_loss": 0.5}, "diverged")
    (stored,) = optuna.load_study(study_name=study.name, storage=open_storage(study.storage)).trials
    assert (stored.state.name, stored.values, stored.intermediate_values) == ("FAIL", None, {1: 0.5})
    assert not stored.constraints
    assert told(opened(study)) == told(ledger)
