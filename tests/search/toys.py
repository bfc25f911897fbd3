"""A study without training: a method, a data set and a model of plain numbers, and an objective worked out at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from sparsetune.base.messages import Key, Metrics, Row, Run, State, Trial
from sparsetune.base.yaml_io import dump
from sparsetune.config.base import Part, param
from sparsetune.config.metrics import Kind
from sparsetune.config.overrides import assign
from sparsetune.config.registry import Registry, StudyRegistries
from sparsetune.config.study.load import load_study
from sparsetune.config.study.study import Study
from sparsetune.config.trial import Training
from sparsetune.search.ledger import Ledger
from sparsetune.search.pruners import PRUNERS
from sparsetune.search.samplers import SAMPLERS
from sparsetune.sparsity.stage import Stage


class Entry:
    metrics = ("threshold",)
    defaults: dict[str, Any] = {}
    phases = ("train",)
    results_figure = None
    arms = ""

    @classmethod
    def check(cls, config: Any, registries: Any) -> None: ...

    @classmethod
    def completed(cls, config: Any, registries: Any) -> Any:
        return config

    @classmethod
    def comes_first(cls, config: Any) -> None:
        """Nothing does."""

    @classmethod
    def canonical(cls, config: Any) -> Any:
        return config

    @classmethod
    def tree(cls, config: Any, training: Training) -> Stage:
        return Stage("train", training.length, every=training.cadence)


class Method(Entry):
    class Config(Part):
        name: Literal["toy"] = "toy"
        x: float = param(0.0, "a number")
        y: float = param(0.5, "a number")
        k: int = param(1, "a count")
        kind: Literal["a", "b", "c"] = param("a", "a choice")
        samples: int = param(1, "a count that changes no training", phase="evaluation", ge=1)


class Plain(Entry):
    """Another method, with less to it."""

    class Config(Part):
        name: Literal["plain", "third"] = "plain"
        x: float = param(0.0, "a number")


class Nothing(Entry):
    class Config(Part):
        name: Literal["toy"] = "toy"

    @classmethod
    def task(cls, config: Any) -> Kind:
        return "classification"

    @classmethod
    def facts(cls, config: Any) -> None:
        """Nobody has looked at these data."""


METHODS = {"toy": "Method", "plain": "Plain", "third": "Plain"}
KNOWN = StudyRegistries(
    method=Registry("method", {name: f"{__name__}:{each}" for name, each in METHODS.items()}),
    data=Registry("data set", {"toy": f"{__name__}:Nothing"}),
    model=Registry("model", {"toy": f"{__name__}:Nothing"}),
    sampler=SAMPLERS,
    pruner=PRUNERS,
)
ENVIRONMENT = {"code": "c0de", "torch": "2"}
SPACE = {
    "method.x": {"float": [-2.0, 2.0]},
    "method.kind": {"choice": ["a", "b", "c"]},
    "method.y": {"float": [1.0e-3, 1.0], "log": True, "when": {"method.kind": ["a", "b"]}},
    "method.k": {"int": [1, 9], "step": 2},
}
SETTINGS: dict[str, dict[str, Any]] = {
    "cmaes": {"popsize": 4},
    "gp": {"n_startup_trials": 3},
    "grid": {},
    "nsga2": {"population_size": 2},
    "nsga3": {"population_size": 2},
    "qmc": {"scramble": True},
    "random": {},
    "tpe": {"n_startup_trials": 4},
}
"""All samplers, each with settings by which it comes past its random beginning in a dozen trials."""

ONE = [{"metric": "val_loss", "goal": "minimize"}]
TWO = [{"metric": "val_accuracy", "goal": "maximize"}, {"metric": "val_loss", "goal": "minimize"}]
EPOCHS = 3


def write(root: Path, **changes: Any) -> Path:
    """A project in ``root`` with a study of toys, changed at top level."""
    (root / "search_spaces").mkdir(parents=True, exist_ok=True)
    (root / "mlruns").mkdir(exist_ok=True)
    content = {
        "study": "toys", "method": "toy", "data": "toy", "model": "toy", "space": SPACE, "objectives": ONE,
        "sampler": {"name": "tpe", "n_startup_trials": 4}, "budget": {"trials": 12}, **changes,
    }  # fmt: skip
    file = root / "toys.yaml"
    file.write_text(dump(content))
    return file


def make(root: Path, **changes: Any) -> Study:
    return load_study(write(root, **changes), lambda imports: KNOWN)


def opened(study: Study, warnings: list[str] | None = None, environment: Mapping[str, str] = ENVIRONMENT) -> Ledger:
    return Ledger(study, environment, (warnings if warnings is not None else []).append)


def rows(config: Mapping[str, Any]) -> Iterator[Row]:
    """What training would report: a function of the config alone, its seed too."""
    method, seed = config["method"], config.get("seed", 0)
    end = (
        (method["x"] - 0.7) ** 2
        + abs(method.get("y", 0.5) - 0.1)
        + 0.1 * method.get("k", 4)
        + {"a": 0, "b": 0.4, "c": 0.2}[method.get("kind", "a")]
        + 0.1 * seed * abs(method["x"] + 0.1 * seed)
        + 0.2 / method.get("samples", 1)
    )
    for epoch in range(1, EPOCHS + 1):
        loss = end + (1 + abs(method["x"])) / epoch
        accuracy = 1 / (1 + loss + (method["x"] + 1) ** 2)
        yield Row(epoch, 1000 * epoch, {"val_loss": loss, "val_accuracy": accuracy}, "train", epoch)


def life(ledger: Ledger, trial: Trial) -> Iterator[None]:
    """A trial from its beginning to its end, as the driver leads it; it stops before each word to the ledger.

    Every seventh fails with its last seed; of every fifth that has branches the last one does.
    """
    if trial.state != "RUNNING":  # a trial like it is known
        return
    number, runs = trial.number, {run.key: run for run in trial.runs}
    seeds = list(dict.fromkeys(key.seed for key in runs))

    def ended(state: State, reason: str = "") -> list[Run]:
        return [run if run.state != "RUNNING" else replace(run, state=state, reason=reason) for run in runs.values()]

    for index, seed in enumerate(seeds):
        first, *_ = keys = [key for key in runs if key.seed == seed]
        if number % 7 == 5 and seed == seeds[-1]:
            yield
            ledger.tell(number, "FAIL", ended("FAIL", "every seventh"), "every seventh")
            return
        for key, branch in zip(keys, trial.branches, strict=True):
            config = assign(trial.config, {**branch.values, "seed": seed})
            for row in rows(config):
                runs[key] = replace(runs[key], metrics=row.metrics)
                if index or key != first:
                    continue
                yield
                if ledger.report(number, row) and row.epoch < EPOCHS:
                    reason = f"pruned after epoch {row.epoch}"
                    ledger.tell(number, "PRUNED", ended("PRUNED", reason), reason)
                    return
            lost = number % 5 == 3 and key != first and key == keys[-1] and len(seeds) == 1
            runs[key] = replace(runs[key], state="FAIL" if lost else "COMPLETE", reason="it diverged" if lost else "")
        if index < len(seeds) - 1:
            yield
            if ledger.replicate(number, index, runs[first].metrics):
                reason = f"pruned after replicate {index + 1} of {len(seeds)}"
                ledger.tell(number, "PRUNED", ended("PRUNED", reason), reason)
                return
    yield
    ledger.tell(number, "COMPLETE", ended("COMPLETE"))


def work(ledger: Ledger, trial: Trial) -> Trial:
    """A whole trial."""
    for _ in life(ledger, trial):
        pass
    return ledger.trials()[trial.number]


def tell(ledger: Ledger, number: int, state: State, metrics: Metrics, reason: str = "") -> Trial:
    """End a trial of one run."""
    return ledger.tell(number, state, [Run(Key(number), state, metrics, reason)], reason)


def finish(study: Study) -> Ledger:
    """As the driver does: what was cut short, then new trials until the budget is spent."""
    ledger = opened(study)
    for trial in ledger.trials():
        if trial.state == "RUNNING":
            work(ledger, trial)
    while not ledger.spent:
        work(ledger, ledger.ask())
    return ledger


def told(ledger: Ledger) -> list[tuple[Any, ...]]:
    """All that two equal runs agree on."""
    return [agreed(trial) for trial in ledger.trials()]


def agreed(trial: Trial) -> tuple[Any, ...]:
    """A trial without its times."""
    first = (trial.number, trial.state, trial.params, trial.config, trial.metrics, trial.values, trial.reason)
    return (*first, trial.errors, trial.notes, trial.runs, trial.branches, trial.feasible)


if __name__ == "__main__":
    from search.toys import KNOWN, finish

    finish(load_study(Path(sys.argv[1]), lambda imports: KNOWN))
