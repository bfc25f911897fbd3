"""What the driver takes for a trial when 100, 1,000 and 10,000 have finished: `python benchmarks/engine.py`.

A fake objective on a virtual clock: no training, no worker, no MLflow (which has a thread of its own); all that the
driver does between two jobs: ask, store, five reports to a pruner, files, end, store. 8 parameters. Beside it, on the
same history, Optuna's own in-memory ask and tell with the same samplers. SQLite; SPARSETUNE_POSTGRES names an empty
database to be measured too (postgresql+psycopg://...). About 15 minutes; --quick leaves out 10,000 (two minutes).
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import optuna

from sparsetune.config.messages import Outcome, Report, Row
from sparsetune.config.space import draw
from sparsetune.config.space.points import flat_base
from sparsetune.config.study import Study
from sparsetune.config.yaml_io import dump
from sparsetune.driver import Driver
from sparsetune.search.ledger import Ledger
from sparsetune.search.space import suggester
from sparsetune.search.storage import open_storage
from sparsetune.study import load

TIMED, REPORTS = 20, 5
LIMITS = {"gp": 300, "cmaes": 1000}
PRUNER = {"name": "median", "n_startup_trials": 1_000_000}  # reads everything, stops nothing
SPACE: dict[str, Any] = {
    "method.target_activation": {"float": [0.1, 0.9]},
    "method.kp": {"float": [1e-3, 1.0], "log": True},
    "method.ki": {"float": [1e-5, 5e-2], "log": True},
    "method.entropy_weight": {"float": [0.0, 2.0]},
    "method.integral_limit": {"float": [1.0, 20.0]},
    "training.lr": {"float": [1e-3, 1e-1], "log": True},
    "training.momentum": {"float": [0.5, 0.99]},
    "training.weight_decay": {"float": [1e-6, 1e-2], "log": True},
}


def make(root: Path, storage: str, sampler: str, name: str) -> Study:
    (root / "search_spaces").mkdir(parents=True, exist_ok=True)
    (root / "mlruns").mkdir(exist_ok=True)
    file = root / "engine.yaml"
    content = {
        "study": name, "method": "ast", "data": "digits", "model": "mlp", "space": SPACE, "sampler": sampler,
        "pruner": PRUNER, "objectives": [{"metric": "val_loss", "goal": "minimize"}], "storage": storage,
        "budget": {"trials": 1_000_000}, "duplicates": "allow",
    }  # fmt: skip
    file.write_text(dump(content))
    return load(file)


def loss(config: Mapping[str, Any], epoch: int) -> float:
    """A bowl in two of the parameters, which a trial approaches."""
    method, training = config["method"], config["training"]
    end = (method["target_activation"] - 0.3) ** 2 + (training["momentum"] - 0.9) ** 2
    return float(end + 1 / epoch)


def one_trial(driver: Driver) -> None:
    job = driver.next_job()
    assert job is not None
    for epoch in range(1, REPORTS + 1):
        row = Row(epoch, epoch, {"val_loss": loss(job.config, epoch), "time_min": 0.01})
        outcome = Outcome("COMPLETE", row.metrics) if epoch == REPORTS else None
        driver.receive(job.key, Report((row,), outcome))


def ours(study: Study, root: Path) -> tuple[Ledger, Callable[[], None]]:
    ledger = Ledger(study, {"code": "", "torch": ""}, lambda text: None)
    driver = Driver(
        ledger, (), folder=root / "trials", objectives=study.judged_by, job_options={}, localise=lambda config: config,
        kept=lambda number: True,
    )  # fmt: skip
    return ledger, lambda: one_trial(driver)


def theirs(study: Study) -> Callable[[], None]:
    """Optuna's own in-memory study with the same trials: ask, suggest, report, tell."""
    memory = optuna.create_study(direction="minimize", pruner=optuna.pruners.NopPruner())
    storage = open_storage(study.storage)
    for frozen in storage.get_all_trials(storage.get_study_id_from_name(study.name)):
        memory.add_trial(frozen)
    sampler = study.registries.sampler.get(study.sampler.name)
    base = flat_base(study.space, study.plain_bases)

    def one() -> None:
        number = len(memory.get_trials(deepcopy=False))
        memory.sampler = sampler.make(study.sampler, study.problem, number)
        trial = memory.ask()
        params = draw(study.space, base, suggester(trial))
        config = study.config(params, {})
        for epoch in range(1, REPORTS + 1):
            trial.report(loss(config, epoch), epoch)
        memory.tell(trial, loss(config, REPORTS))

    return one


def timed(one: Callable[[], None]) -> float:
    """Median of some trials, in ms."""
    seconds = []
    for _ in range(TIMED):
        started = time.perf_counter()
        one()
        seconds.append(time.perf_counter() - started)
    return 1e3 * statistics.median(seconds)


def measure(storage: str, sampler: str, sizes: list[int], root: Path, name: str) -> dict[int, tuple[float, float]]:
    """By number of finished trials: ms a trial of the driver, and of Optuna in memory."""
    # a genetic sampler draws its history itself; for others it is random, which costs no sampler's time
    own = sampler in ("nsga2", "cmaes")
    found = {}
    for size in sizes:
        ledger, one = ours(make(root, storage, sampler if own else "random", name), root)
        while len(ledger) < size:
            one()
        study = make(root, storage, sampler, name)
        optuna_ms = timed(theirs(study))
        found[size] = timed(ours(study, root)[1]), optuna_ms
        print(
            f"{storage.partition(':')[0]:12} {sampler:7} {size:7,} {found[size][0]:8.1f} {optuna_ms:8.1f}", flush=True
        )
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--samplers", nargs="*", default=["tpe", "random", "nsga2", "gp", "cmaes"])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sizes = [100, 1000] if options.quick else [100, 1000, 10_000]
    print(f"{'storage':12} {'sampler':7} {'trials':>7} {'driver':>8} {'Optuna':>8}   ms a trial, medians of {TIMED}")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        storages = [
            f"sqlite:///{root / 'mlruns' / 'studies.db'}",
            *filter(None, [os.environ.get("SPARSETUNE_POSTGRES")]),
        ]
        for storage in storages:
            for sampler in options.samplers:
                limit = LIMITS.get(sampler, sizes[-1])
                at = sorted({min(size, limit) for size in sizes})
                judge(sampler, measure(storage, sampler, at, root, f"{sampler}"))
    return 0


def judge(sampler: str, found: Mapping[int, tuple[float, float]]) -> None:
    """What the figures say of growth."""
    first = min(found)
    for size in found:
        if size == first:
            continue
        whole = found[size][0] / found[first][0]
        beyond = (found[size][0] - found[size][1]) / (found[first][0] - found[first][1])
        print(
            f"  {sampler}: at {size:,} {whole:.2f} times the trial at {first:,}; beyond Optuna's own {beyond:.2f} times"
        )


if __name__ == "__main__":
    sys.exit(main())
