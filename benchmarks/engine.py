"""What the driver takes for a trial when 100, 1,000 and 10,000 have finished: `python benchmarks/engine.py`.

A fake objective on a virtual clock: no training, no worker, no MLflow (which has a thread of its own); all that the
driver does between two jobs: ask, store, five reports to a pruner, files, end, store. 8 parameters. In turn with it, on
the same history, Optuna's own in-memory ask, pruner and tell with the same samplers. SQLite; SPARSETUNE_POSTGRES names
an empty database to be measured too (postgresql+psycopg://...). About 15 minutes; --quick leaves out 10,000.
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

from sparsetune.app.study import load
from sparsetune.base.messages import Outcome, Report, Row
from sparsetune.base.yaml_io import dump
from sparsetune.config.study.study import Study
from sparsetune.drive.driver import Driver
from sparsetune.search.ledger import Ledger
from sparsetune.search.space import suggester
from sparsetune.search.storage import open_storage

TIMED, REPORTS = 20, 5
LIMITS = {"gp": 300, "cmaes": 1000}
SHARING = {
    "random": ["random", "tpe", "gp"],
    "nsga2": ["nsga2"],
    "cmaes": ["cmaes"],
}  # samplers by who drew the history
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
    """Optuna's own in-memory study with the same trials: ask, suggest, report, prune, tell."""
    memory = optuna.create_study(direction="minimize", pruner=optuna.pruners.MedianPruner(n_startup_trials=1_000_000))
    storage = open_storage(study.storage)
    for frozen in storage.get_all_trials(storage.get_study_id_from_name(study.name)):
        memory.add_trial(frozen)
    sampler = study.registries.sampler.get(study.sampler.name)

    def one() -> None:
        number = len(memory.get_trials(deepcopy=False))
        memory.sampler = sampler.make(study.sampler, study.problem, number)
        trial = memory.ask()
        config = study.config(suggester(trial), {})
        for epoch in range(1, REPORTS + 1):
            trial.report(loss(config, epoch), epoch)
            trial.should_prune()
        memory.tell(trial, loss(config, REPORTS))

    return one


def timed(one: Callable[[], None], other: Callable[[], None]) -> tuple[float, float, float]:
    """Medians of some trials in turn, in ms: of each, and of the difference between neighbours."""
    spent: tuple[list[float], list[float]] = ([], [])
    for _ in range(TIMED):
        for seconds, call in zip(spent, (one, other), strict=True):
            started = time.perf_counter()
            call()
            seconds.append(1e3 * (time.perf_counter() - started))
    beyond = [mine - its for mine, its in zip(*spent, strict=True)]
    return statistics.median(spent[0]), statistics.median(spent[1]), statistics.median(beyond)


def measure(storage: str, history: str, samplers: list[str], sizes: list[int], root: Path) -> None:
    """Print a row for each size and sampler; the samplers share a history that one of them has drawn."""
    first: dict[str, tuple[float, float, float]] = {}
    for size in sizes:
        ledger, one = ours(make(root, storage, history, history), root)
        while len(ledger) < size:
            one()
        for sampler in samplers:
            if size > LIMITS.get(sampler, size):
                continue
            study = make(root, storage, sampler, history)
            mine, its, beyond = found = timed(ours(study, root)[1], theirs(study))
            first.setdefault(sampler, found)
            growth = f"{mine / first[sampler][0]:6.2f} {beyond / first[sampler][2]:6.2f}"
            kind = storage.partition(":")[0].partition("+")[0]
            print(f"{kind:10} {sampler:7} {size:7,} {mine:8.1f} {its:8.1f} {beyond:8.1f} {growth}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--history", nargs="*", default=list(SHARING), help="which sampler has drawn the history")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sizes = [100, 300, 1000] if options.quick else [100, 300, 1000, 10_000]
    print(f"ms a trial, medians of {TIMED}; then how many times those at {sizes[0]}: driver, beyond Optuna")
    print(f"{'storage':10} {'sampler':7} {'trials':>7} {'driver':>8} {'Optuna':>8} {'beyond':>8}")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        server = os.environ.get("SPARSETUNE_POSTGRES")
        for storage in [f"sqlite:///{root / 'mlruns' / 'studies.db'}", *([server] if server else [])]:
            for history in options.history:
                most = LIMITS.get(history, sizes[-1])
                measure(storage, history, SHARING[history], [size for size in sizes if size <= most], root)
    return 0


if __name__ == "__main__":
    sys.exit(main())
