"""From a job to reports: builds or takes up its trainings, saves them now and then, leaves their files."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import torch

from sparsetune.config.cadence import Cadence
from sparsetune.config.errors import BadInput
from sparsetune.config.messages import Job, Key, Outcome, Report, Row
from sparsetune.config.overrides import assign
from sparsetune.config.own import digest_of
from sparsetune.config.paths import run_folder
from sparsetune.config.registry import Registries
from sparsetune.config.trial import Cosine, OneCycle, TrialConfig, resolve_trial
from sparsetune.sparsity.method import TrainingFailed
from sparsetune.training import checkpoint, ended
from sparsetune.training.files import leave_files, leave_table
from sparsetune.training.forks import Line, fork_of
from sparsetune.training.registries import registries_of
from sparsetune.training.trainer import Trainer
from sparsetune.training.view import View

CHECKPOINT = "checkpoint.pt"  # of the training that runs
TRUNK = "trunk.pt"  # of what the lines of a fork go on from
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
    """All trainings of a job, one after another. ``left`` are the runs without an outcome."""

    def __init__(self, job: Job, registries: Registries) -> None:
        self.job, self.registries = job, registries
        self.folder = Path(job.folder)
        self.seeds = job.seeds or (job.key.seed,)
        self.left = [Key(job.key.number, seed, branch.name) for seed in self.seeds for branch in job.branches]
        self._own = [digest_of(file) for file in job.imports]
        self._others_due = Cadence(_OTHERS_EVERY)

    def reports(self) -> Iterator[Report]:
        if self.job.runs > 1:
            yield from self._known()
        for seed in self.seeds:
            plain = {**self.job.config, "seed": seed} if self.job.seeds else self.job.config
            fork = fork_of(resolve_trial(plain, self.registries), self.job.branches, self.registries)
            state = None
            for line, until in fork.trainings:
                if not self._wanted(line, seed):
                    continue
                if _asked_to_stop(self.job):
                    yield Report(outcome=Outcome("STOPPED"))
                    return
                ended_in = yield from self._train(line, seed, state, until=until)
                state = ended_in if until else state
                if not self.left:
                    return

    def _known(self) -> Iterator[Report]:
        """What has ended before this process began."""
        for key in list(self.left):
            found = ended.load(run_folder(self.folder, key, self.job.runs), self._of(key))
            if found is not None:
                yield self._last(key, *found)

    def _of(self, key: Key) -> dict[str, Any]:
        """What a run is of, to know its end again: the config and the text of one's own files."""
        values = next(branch.values for branch in self.job.branches if branch.name == key.branch)
        config = resolve_trial(assign(self.job.config, {**values, "seed": key.seed}), self.registries)
        return {"config": config.portable(), "own": self._own}

    def _wanted(self, line: Line, seed: int) -> bool:
        return any(self._keys(served, seed) for served in line.serves)

    def _keys(self, served: Sequence[str], seed: int) -> list[Key]:
        """The runs of these branches that have no outcome yet."""
        keys = (Key(self.job.key.number, seed, branch) for branch in served)
        return [key for key in keys if key in self.left]

    def _train(
        self, line: Line, seed: int, start: dict[str, Any] | None = None, *, until: str = ""
    ) -> Generator[Report, None, dict[str, Any] | None]:
        """Train a line to its end, from the state ``start`` of its trunk; returns the state in which it ended."""
        trainer = Trainer(line.config, line.settings, until=until, registries=self.registries)
        path = self.folder / (TRUNK if until else CHECKPOINT)
        of_this = {
            "config": line.config.portable(), "settings": [each.model_dump(mode="json") for each in line.settings],
            "until": until, "split": trainer.data.digest, "own": self._own,
        }  # fmt: skip
        saved = checkpoint.load(path)
        if saved is not None and {name: saved.get(name) for name in of_this} == of_this:  # never another's state
            trainer.load_state_dict(saved["training"])
        elif start is not None:
            _refuse_other_length(line.config, len(trainer.phases), start["planned"])
            trainer.load_state_dict(deepcopy(start))  # an optimiser trains on in the tensors that it is given
        yield from self._rows(trainer, line, seed, path, of_this)
        if not until:
            return None
        state = trainer.state_dict()
        checkpoint.save(path, {**of_this, "training": state})
        return state

    def _rows(self, trainer: Trainer, line: Line, seed: int, path: Path, of_this: dict[str, Any]) -> Iterator[Report]:
        job, sent = self.job, [0] * len(trainer.views)
        report_due, checkpoint_due = Cadence(job.report_every), Cadence(job.checkpoint_every)
        look_due = Cadence(_LOOK_EVERY)
        try:
            yield from self._ends(trainer, line, seed, sent)
            for row in trainer:
                stopping = look_due.due(row.epoch) and _asked_to_stop(job) and not trainer.done
                if checkpoint_due.due(row.epoch) or stopping:
                    checkpoint.save(path, {**of_this, "training": trainer.state_dict()})
                if stopping or (report_due.due(row.epoch) and not trainer.done):
                    yield from self._new(trainer, line, seed, sent)
                if stopping:
                    self.left.clear()
                    yield Report(outcome=Outcome("STOPPED"))
                    return
                yield from self._ends(trainer, line, seed, sent)
        except TrainingFailed as error:
            for view, served in zip(trainer.views, line.serves, strict=True):
                for key in self._keys(served, seed):
                    yield self._ended(key, view, 0, Outcome("FAIL", reason=str(error)))

    def _new(self, trainer: Trainer, line: Line, seed: int, sent: list[int]) -> Iterator[Report]:
        """Rows since the last time; while a trunk trains, its first line stands for all."""
        first = Key(self.job.key.number, self.seeds[0], self.job.branches[0].name)
        others = self._others_due.due(trainer.epoch)
        for number, (view, served) in enumerate(zip(trainer.views, line.serves, strict=True)):
            keys, rows = self._keys(served, seed), tuple(view.record[sent[number] :])
            if keys and rows and (others or keys[0] == first):
                sent[number] = len(view.record)
                yield Report(rows, key=keys[0])

    def _ends(self, trainer: Trainer, line: Line, seed: int, sent: list[int]) -> Iterator[Report]:
        """The ends of the views that are over; their files lie in place before anyone hears of them."""
        for number, (view, served) in enumerate(zip(trainer.views, line.serves, strict=True)):
            if view.told or not trainer.over(view):
                continue
            keys = self._keys(served, seed)
            outcome = Outcome("FAIL", reason=view.diverged)
            if keys and not view.diverged:
                folders = [run_folder(self.folder, key, self.job.runs) for key in keys]
                metrics = trainer.finish(view, partial(leave_files, trainer, folders))
                leave_table(trainer, view, metrics, folders)
                outcome = Outcome("COMPLETE", metrics, notes=trainer.notes)
            view.told = True
            for key in keys:
                yield self._ended(key, view, sent[number] if len(served) == 1 else 0, outcome)

    def _ended(self, key: Key, view: View, sent: int, outcome: Outcome) -> Report:
        """The last report of a run, with the rows after the first ``sent``; where others follow, its end is kept."""
        if len(self.left) > 1:
            ended.save(run_folder(self.folder, key, self.job.runs), view.record, outcome, self._of(key))
        return self._last(key, tuple(view.record[sent:]), outcome)

    def _last(self, key: Key, rows: tuple[Row, ...], outcome: Outcome) -> Report:
        self.left.remove(key)
        return Report(rows, outcome, key, more=bool(self.left))


def _refuse_other_length(config: TrialConfig, epochs: int, planned: int) -> None:
    """A schedule that spans the whole plan runs otherwise from the first epoch on where the plan is longer."""
    if epochs != planned and isinstance(config.training.schedule, Cosine | OneCycle):
        problem = f"the plan has {epochs} epochs here and {planned} in the first branch, and the schedule spans all"
        raise BadInput(f"{problem}; allowed in a fork: schedule constant or step", key="training.schedule")


def _asked_to_stop(job: Job) -> bool:
    return bool(job.stop_file) and Path(job.stop_file).exists()
