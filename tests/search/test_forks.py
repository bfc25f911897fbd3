"""What a sampler should be told of a forked trial: all its rows, or one trial, and of which row?

Fake studies with plain Optuna TPE, made anew for each trial: networks with dropout at rate p, whose predictions are
averaged over m Monte Carlo samples. The fork is over m, which changes where p is best. The choice was made on seeds
1000 to 1059 (``python tests/search/test_forks.py`` prints the table, in ten minutes); the tests look at other seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import optuna
import pytest
from optuna._hypervolume import compute_hypervolume
from optuna.distributions import FloatDistribution
from optuna.samplers import TPESampler

from sparsetune.base.messages import Branch, Key, Run, Trial
from sparsetune.base.seeds import mix
from sparsetune.config.study.constraints import Constraint
from sparsetune.config.study.file import Objective
from sparsetune.search.space import quiet
from sparsetune.search.told import told

NAMES = ("p", "width", "lr", "decay")
COUNTS = np.array([1, 5, 10, 20, 50])
BRANCHES = tuple(Branch(f"m={count}", {"m": int(count)}) for count in COUNTS)
ONE = (Objective(metric="score", goal="minimize"),)
TWO = (Objective(metric="loss", goal="minimize"), Objective(metric="cost", goal="minimize"))
TRAININGS = {1: 40, 2: 30}  # by the number of objectives
Told = Callable[[np.ndarray], Sequence[Sequence[float]]]  # rows (branches, objectives) -> what the sampler is told


@dataclass(frozen=True)
class Landscape:
    """Loss falls with m with diminishing returns, the more the higher p is; cost rises with m and width."""

    seed: int

    def of(self, name: str, low: float, high: float) -> float:
        """A property of the landscape."""
        return float(np.random.default_rng([self.seed, *name.encode()]).uniform(low, high))

    def rows(self, point: np.ndarray) -> np.ndarray:
        """Loss and log10 of cost: (..., branches, 2) for points of shape (..., 4)."""
        p, width, lr, decay = (point[..., index, None] for index in range(4))
        loss = 1.2 * (lr - self.of("lr", 0.3, 0.7)) ** 2 + 0.4 * (decay - self.of("decay", 0.2, 0.8) - 0.2 * p) ** 2
        loss = loss + 0.2 * (1 - width) ** 2 + 0.5 * (p - self.of("p", 0.4, 0.8)) ** 2
        loss = loss + self.of("variance", 0.1, 0.8) * p**2 / COUNTS
        return np.stack([loss, np.log10((0.2 + 0.8 * width) * COUNTS)], axis=-1)

    def scores(self, rows: np.ndarray) -> np.ndarray:
        """Loss with a price on cost, as one objective."""
        return rows[..., :1] + self.of("price", 0.02, 0.15) * rows[..., 1:]

    def noise(self, number: int) -> np.ndarray:
        """Most of it is of the training, which all rows share."""
        random = np.random.default_rng([self.seed, number, 1])
        return random.normal(0, 0.01) + random.normal(0, 0.003, len(COUNTS))

    @property
    def sample(self) -> np.ndarray:
        return self.rows(np.random.default_rng([self.seed, 2]).random((20_000, len(NAMES))))


def play(there: Landscape, tell: Told, objectives: int, startup: int = 10) -> np.ndarray:
    """The rows, without noise, that a study finds: (trainings, branches, 2); the same with noise decides."""
    study = optuna.create_study(directions=["minimize"] * objectives)
    space = {name: FloatDistribution(0, 1) for name in NAMES}
    found = []
    for number in range(TRAININGS[objectives]):
        with quiet():
            study.sampler = TPESampler(seed=mix(there.seed, number), constant_liar=True, n_startup_trials=startup)
        trial = study.ask()
        point = {name: trial.suggest_float(name, 0, 1) for name in NAMES}
        rows = there.rows(np.array(list(point.values())))
        found.append(rows)
        noisy = rows + np.stack([there.noise(number), np.zeros(len(COUNTS))], axis=-1)
        said = tell(noisy if objectives == 2 else there.scores(noisy))
        study.tell(trial, list(said[0]))
        for further in said[1:]:
            study.add_trial(optuna.create_trial(params=point, distributions=space, values=list(further)))
    return np.array(found)


def regret(there: Landscape, found: np.ndarray) -> float:
    """Of the best row, over that of the median random training."""
    noisy = found + np.array([np.stack([there.noise(n), np.zeros(len(COUNTS))], axis=-1) for n in range(len(found))])
    best = there.scores(found).ravel()[there.scores(noisy).argmin()]
    random = there.scores(there.sample).min(axis=1)
    return float((best - random.min()) / (np.median(random) - random.min()))


def missed(there: Landscape, found: np.ndarray) -> float:
    """The share of the reachable hypervolume that no row of the study covers."""
    sample = there.sample
    reference = np.quantile(sample.reshape(-1, 2), 0.9, axis=0)
    reachable, covered = (
        compute_hypervolume(rows[(rows < reference).all(axis=1)], reference)
        for rows in (sample.reshape(-1, 2), found.reshape(-1, 2))
    )
    return float(1 - covered / reachable)


def all_rows(rows: np.ndarray) -> list[list[float]]:
    return rows.tolist()


def mean(rows: np.ndarray) -> list[list[float]]:
    return [rows.mean(axis=0).tolist()]


def ideal(rows: np.ndarray) -> list[list[float]]:
    """The best of each objective, of one objective the best row."""
    return [rows.min(axis=0).tolist()]


def first(rows: np.ndarray) -> list[list[float]]:
    return [rows[0].tolist()]


def last(rows: np.ndarray) -> list[list[float]]:
    return [rows[-1].tolist()]


def contributing() -> Told:
    """The row that adds the most hypervolume to the rows of all trials before it."""
    known = np.empty((0, 2))

    def tell(rows: np.ndarray) -> list[list[float]]:
        nonlocal known
        everything = np.concatenate([known, rows])
        reference = everything.max(axis=0) + 0.1
        added = [compute_hypervolume(np.concatenate([known, row[None]]), reference) for row in rows]
        known = everything
        return [rows[int(np.argmax(added))].tolist()]

    return tell


def ours(rows: np.ndarray) -> list[list[float]]:
    """What SparseTune tells."""
    objectives = ONE if rows.shape[1] == 1 else TWO
    names = [each.metric for each in objectives]
    runs = [
        Run(Key(0, 0, branch.name), "COMPLETE", dict(zip(names, row, strict=True)))
        for branch, row in zip(BRANCHES, rows.tolist(), strict=True)
    ]
    trial = Trial(0, "RUNNING", {}, {}, branches=BRANCHES)
    return [list(told(trial, "COMPLETE", runs, "", objectives, list[Constraint]()).values)]


@cache
def outcome(seed: int, policy: str, objectives: int) -> float:
    tell, startup = POLICIES[policy]
    there = Landscape(seed)
    found = play(there, tell(), objectives, startup)
    return regret(there, found) if objectives == 1 else missed(there, found)


POLICIES: dict[str, tuple[Callable[[], Told], int]] = {
    "ours": (lambda: ours, 10),
    "random": (lambda: mean, 1000),
    "all rows": (lambda: all_rows, 10),
    "all rows, 10 random trainings": (lambda: all_rows, 10 * len(COUNTS)),
    "mean": (lambda: mean, 10),
    "best of each objective": (lambda: ideal, 10),
    "first": (lambda: first, 10),
    "last": (lambda: last, 10),
    "most hypervolume added": (contributing, 10),
}


def interval(values: np.ndarray) -> tuple[float, float, float]:
    """Mean, and the ends of its 95 % interval."""
    error = 1.96 * values.std(ddof=1) / len(values) ** 0.5
    return values.mean(), values.mean() - error, values.mean() + error


def against(policy: str, objectives: int, seeds: range) -> tuple[float, float, float]:
    """How much worse a policy is than ours, on the same seeds."""
    pairs = [(outcome(seed, policy, objectives), outcome(seed, "ours", objectives)) for seed in seeds]
    return interval(np.array([theirs - own for theirs, own in pairs]))


@pytest.mark.slow
def test_with_one_objective_all_rows_mislead() -> None:
    """The best row is told; rows with the same drawn parameters crowd out other good configs."""
    worse, low, _ = against("all rows", 1, range(14))
    assert worse > 0
    assert low > -0.02


@pytest.mark.slow
def test_with_several_objectives_one_trial_costs_little() -> None:
    """All rows would do a little better there, for five times the trials; the best of each is a row that no one has."""
    _, low, _ = against("all rows", 2, range(12))
    assert low > -0.06
    assert against("random", 2, range(12))[1] > 0
    assert against("best of each objective", 2, range(12))[0] > 0


def test_the_numbers_of_the_measurement() -> None:
    """A landscape whose best is known, and the hypervolume of two points by hand."""
    there = Landscape(3)
    rows = there.rows(np.array([0.0, 1.0, there.of("lr", 0.3, 0.7), there.of("decay", 0.2, 0.8)]))
    np.testing.assert_allclose(rows[:, 0], 0.5 * there.of("p", 0.4, 0.8) ** 2)  # no dropout: m changes nothing
    np.testing.assert_allclose(rows[:, 1], np.log10(COUNTS))
    assert regret(there, np.full((1, len(COUNTS), 2), np.nan_to_num(there.sample[0]))) >= 0
    assert compute_hypervolume(np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([2.0, 2.0])) == 3


if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for count in (1, 2):
        for name in POLICIES:
            if count == 2 or name != "most hypervolume added":
                values = np.array([outcome(seed, name, count) for seed in range(1000, 1060)])
                figures = (*interval(values), *against(name, count, range(1000, 1060)))
                print(count, f"{name:32}", *(f"{x:8.4f}" for x in figures), flush=True)
