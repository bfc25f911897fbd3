"""From a job to reports: builds or takes up its trainings, saves them now and then, leaves their files."""

from __future__ import annotations

from collections.abc import Container, Generator, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch

from sparsetune.base.durations import Cadence
from sparsetune.base.messages import TAKEN, Job, Key, Outcome, Report, Row
from sparsetune.base.paths import ON_THE_WAY, run_folder, slug
from sparsetune.base.shelf import Shelf
from sparsetune.config.base import Part
from sparsetune.config.overrides import assign
from sparsetune.config.own import digest_of
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.sparsity.method import Method, TrainingFailed
from sparsetune.training.before import job_before
from sparsetune.training.left.files import leave_files, leave_table
from sparsetune.training.left.saved import Saved
from sparsetune.training.registries import registries_of
from sparsetune.training.trainer import Trainer
from sparsetune.training.walk.results import Due

_OTHERS_EVERY = "1s"  # reports of runs that no pruner waits for
_LOOK_EVERY = "0.2s"  # for the stop file: a network file system answers in milliseconds


def run_trial(job: Job) -> Iterator[Report]:
    """Train a job's config for each of its seeds and branches; goes on from what is in ``job.folder``.

    Yields:
        Reports with new rows of a run; after a restart a run's first repeats all known rows, its last has its
        outcome. A training that comes to nothing (its loss is no longer finite) is a FAIL with its reason; a job that
        was asked to stop has saved its state.
    """
    if _asked_to_stop(job):
        yield Report(outcome=Outcome("STOPPED"))
        return
    torch.set_num_threads(job.cpus)
    yield from _Trainings(job, registries_of(job.imports)).reports()


class _Trainings:
    """All trainings of a job, one seed after another. ``left`` are the runs without an outcome.

    ``kept``: that all have ended is saved, too, for the folder is asked again.
    """

    def __init__(self, job: Job, registries: Registries, *, kept: bool = False) -> None:
        self.job, self.registries, self.kept = job, registries, kept
        self.seeds = job.seeds or (job.key.seed,)
        self.left = [Key(job.key.number, seed, branch.name) for seed in self.seeds for branch in job.branches]
        self._saved = Saved(Path(job.folder))
        self._configs: dict[str, TrialConfig] = {}  # each is resolved once
        self._own = [digest_of(file) for file in job.imports]
        self._report_due, self._save_due = Cadence(job.report_every), Cadence(job.checkpoint_every)
        self._others_due, self._look_due = Cadence(_OTHERS_EVERY), Cadence(_LOOK_EVERY)
        self._sent: dict[Key, int] = {}
        self._epochs = 0.0  # trained by this process, with all seeds

    def reports(self) -> Iterator[Report]:
        for key in list(self.left):
            end = self._saved.end(self._name(key), self._of(key))
            if end is not None:
                yield self._last(key, *end)
        for seed in self.seeds:
            if not any(key.seed == seed for key in self.left):
                continue
            if _asked_to_stop(self.job):
                yield Report(outcome=Outcome("STOPPED"))
                return
            yield from self._train(seed)
            if not self.left:
                return

    def _train(self, seed: int) -> Iterator[Report]:
        """Train a seed's branches to their ends, from where they stood when they were last saved."""
        base = self._config(seed, {})
        parts = yield from self._parts(seed)
        if parts is None:
            return
        shelf = Shelf(Path(self.job.shelf), self.job.shelf_bytes) if self.job.shelf else None
        trainer = Trainer(base, parts, registries=self.registries, shelf=shelf, own=self._own)
        of_this = {"runs": [self._of(key) for key in self._keys(seed)], "split": trainer.setup.data.digest}
        state = self._saved.training(of_this)
        if state is not None:
            trainer.load_state_dict(state)
        yield from self._tell(trainer, seed, of_this)
        before = self._epochs
        while trainer.go_on():
            epochs = self._epochs = before + trainer.epochs
            stopping = self._look_due.due(epochs) and _asked_to_stop(self.job) and not trainer.done
            if self._save_due.due(epochs) or stopping:
                self._saved.save(of_this, trainer.state_dict())
            if stopping or (self._report_due.due(epochs) and not trainer.done):
                yield from self._new(trainer, seed)
            if stopping:
                self.left.clear()
                yield Report(outcome=Outcome("STOPPED"))
                return
            yield from self._tell(trainer, seed, of_this)

    def _parts(self, seed: int) -> Generator[Report, None, dict[str, Part] | None]:
        """The method's settings of each branch, once what they take up has been trained; None where it was not."""
        parts: dict[str, Part] = {}
        for branch in self.job.branches:
            config = self._config(seed, branch.values)
            parts[branch.name] = config.method
            method: type[Method] = self.registries.method.get(config.method.name)
            first = method.comes_first(config)
            if first is None:
                continue
            job = job_before(self.job, first)
            trainings = _Trainings(job, self.registries, kept=True)
            outcome = next(each.outcome for each in trainings.reports() if each.outcome)
            if outcome.state == "STOPPED":
                self.left.clear()
                yield Report(outcome=outcome)
                return None
            if outcome.state == "FAIL":
                reason = f"the training that comes first failed: {outcome.reason}"
                for key in self._open(seed, [each.name for each in self.job.branches]):
                    yield self._last(key, [], Outcome("FAIL", reason=reason))
                return None
            parts[branch.name] = method.taking(config.method, Path(job.folder))
        return parts

    def _new(self, trainer: Trainer, seed: int) -> Iterator[Report]:
        """Rows since the last time; where branches share a view, the first of them stands for all."""
        first = Key(self.job.key.number, self.seeds[0], self.job.branches[0].name)
        others = self._others_due.due(self._epochs)
        for looked in trainer.node.views:
            key = next(iter(self._open(seed, looked.branches)), None)
            if key is None or not (others or key == first):
                continue
            sent = self._sent.get(key, 0)
            if rows := tuple(trainer.journal.rows(key.branch, sent)):
                self._sent[key] = sent + len(rows)
                yield Report(rows, key=key)

    def _tell(self, trainer: Trainer, seed: int, of_this: Mapping[str, Any]) -> Iterator[Report]:
        """The ends of runs; their files lie in place, and what is left is saved, before anyone hears of them."""
        for due in trainer.due:
            try:
                self._measure(trainer, seed, due)
            except TrainingFailed as error:
                trainer.journal.fail(due.branches, error)
        running = self._open(seed, trainer.union.steps)
        ended = {key: outcome for key in running if (outcome := self._outcome(trainer, key))}
        rows = {key: list(trainer.journal.rows(key.branch)) for key in ended}
        if ended and (self.kept or len(self.left) > len(ended)):
            for key, outcome in ended.items():
                self._saved.add_end(self._name(key), self._of(key), rows[key], outcome)
            more = any(key.seed == seed for key in self.left if key not in ended)
            self._saved.save(of_this, trainer.state_dict() if more else None)
        for key, outcome in ended.items():
            yield self._last(key, rows[key][self._sent.get(key, 0) :], outcome)

    def _measure(self, trainer: Trainer, seed: int, due: Due) -> None:
        """Measure a result, and leave its files: in the run's folder if the run ends with it, else in one in that."""
        keys = self._open(seed, due.branches)
        folders = [self._folder(trainer, key, due) for key in keys]
        whence = {"study": self.job.study, "trial": self.job.key.number} if self.job.study else {}
        measured = trainer.measure(due, partial(leave_files, trainer, folders, whence))
        for key, folder in zip(keys, folders, strict=True):
            if trainer.results.is_last(trainer.node, due, key.branch):
                leave_table(trainer, key.branch, measured[key.branch].metrics, folder, kept=due.which)

    def _folder(self, trainer: Trainer, key: Key, due: Due) -> Path:
        folder = run_folder(Path(self.job.folder), key, self.job.runs)
        if trainer.results.is_last(trainer.node, due, key.branch):
            return folder
        number = len(trainer.results.measured[key.branch]) + 1
        return folder / ON_THE_WAY / slug(f"{number:03d} {trainer.node.stage.name} {due.which}".replace(" ", "_"))

    def _outcome(self, trainer: Trainer, key: Key) -> Outcome | None:
        """How a run has ended; None if it has not."""
        if key.branch in trainer.journal.failed:
            return Outcome("FAIL", reason=str(trainer.journal.failed[key.branch]))
        results = trainer.results.of_run(key.branch)
        if not results:
            return None
        several = results if len(results) > 1 else ()
        taken = trainer.journal.taken(key.branch)
        stages = f"{taken} of {len(trainer.union.steps[key.branch])} stages from the shelf"
        notes = {**trainer.setup.notes, TAKEN: stages} if taken else trainer.setup.notes
        return Outcome("COMPLETE", results[-1].metrics, notes=notes, results=several)

    def _keys(self, seed: int) -> list[Key]:
        return [Key(self.job.key.number, seed, branch.name) for branch in self.job.branches]

    def _open(self, seed: int, branches: Container[str]) -> list[Key]:
        """The runs of these branches that have no outcome yet."""
        return [key for key in self._keys(seed) if key in self.left and key.branch in branches]

    def _config(self, seed: int, values: Mapping[str, Any]) -> TrialConfig:
        seeded = {**values, "seed": seed} if self.job.seeds else dict(values)
        if repr(seeded) not in self._configs:
            self._configs[repr(seeded)] = resolve_trial(assign(self.job.config, seeded), self.registries)
        return self._configs[repr(seeded)]

    def _of(self, key: Key) -> dict[str, Any]:
        """What a run is of, to know it again: the config and the text of one's own files."""
        values = next(branch.values for branch in self.job.branches if branch.name == key.branch)
        return {"config": self._config(key.seed, values).portable(), "own": self._own}

    def _name(self, key: Key) -> str:
        return f"{key.seed} {key.branch}"

    def _last(self, key: Key, rows: list[Row], outcome: Outcome) -> Report:
        self.left.remove(key)
        return Report(tuple(rows), outcome, key, more=bool(self.left))


def _asked_to_stop(job: Job) -> bool:
    return bool(job.stop_file) and Path(job.stop_file).exists()
