"""Trials in MLflow: one experiment a study, in it one parent run and under that one run a trial.

A forked trial has a run for each branch. The run of several replicates has their means, no curves, and under it a run
for each seed. Each says how many runs its trial has: only when so many are closed, the trial is wholly there.

Runs are found again by their tags, which are written in the transaction that creates the run: a kill at any moment
gives no second run. What an outage kept back is sent later; what a driver that died had not sent, the next one sends
again: it asks :meth:`MlflowTracker.logged` for each finished trial.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sparsetune.config.errors import BadInput
from sparsetune.config.messages import Files, Key, Metrics, Row, Trial
from sparsetune.failpoints import failpoint
from sparsetune.tracking.client import connected, experiment_id, last_steps, log, run_at, runs, upload
from sparsetune.tracking.entry import Entry, Point, Summary
from sparsetune.tracking.home import Home, bring_home
from sparsetune.tracking.outbox import Outbox
from sparsetune.tracking.places import (
    REASON,
    RUN,
    RUNS,
    STATE,
    STUDY,
    STUDY_ID,
    Place,
    place_in,
    place_of,
    views,
)
from sparsetune.tracking.store import check_writable, create_once, database, reason_of, shown

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

STATUS = {"COMPLETE": "FINISHED", "PRUNED": "KILLED", "FAIL": "FAILED"}
SUMMARY = Place(-1)  # the study's parent run in the outbox


class MlflowTracker:
    """An observer that writes to MLflow.

    With a study, trials are runs nested under its parent run; what is its own is told by the tag
    ``sparsetune.study_id``. Without one they are top-level runs of the experiment, told apart by ``sparsetune.run``.
    ``tags`` must have that one, a value without quotes, and every run that is created gets them all. ``warn`` gets one
    line, at the first thing that cannot be sent; ``home`` is the project's, which may have moved. Raises
    :class:`BadInput` for an experiment that was deleted.
    """

    def __init__(
        self,
        uri: str,
        experiment: str,
        artifacts: Path,
        *,
        study: str | None,
        tags: Mapping[str, str],
        warn: Callable[[str], None],
        home: Home | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._uri, self._experiment, self._artifacts = uri, experiment, artifacts
        self._tags, self._warn, self._home = dict(tags), warn, home
        self._study = study
        identity = RUN if study is None else STUDY_ID
        self._mine = f"tags.`{identity}` = '{self._tags[identity]}'"  # a condition on runs
        self._client: MlflowClient | None = None
        self._experiment_id = ""
        self._parent: str | None = None
        self._unfinished: dict[Place, Run] = {}  # as they were at opening
        self._closed: set[Place] = set()  # runs that have all
        self._whole: set[int] = set()  # trials of which all runs were closed at opening
        self._entered: dict[int, list[Place]] = {}  # runs of the trials of this session
        self._outbox: Outbox[Place, Entry | Summary] = Outbox(self._send, self._reachable, self._complain, clock)
        try:
            self._connect()
        except BadInput:
            raise
        except Exception as error:  # the server is away: the outbox connects later
            self._outbox.failed(error)

    def logged(self, number: int) -> bool:
        """Whether all runs of the trial are closed in MLflow, with all of it."""
        if number in self._entered:
            return not any(place in self._outbox.waiting for place in self._entered[number])
        return number in self._whole

    def trial_started(self, trial: Trial, *, resumed: bool) -> None:
        self._enter(trial)
        self._outbox.tick()

    def trial_reported(self, trial: Trial, key: Key, rows: tuple[Row, ...]) -> None:
        entry = self._outbox.waiting.get(place_of(trial, key))
        if isinstance(entry, Entry):
            entry.rows.extend(rows)
        self._outbox.tick()

    def trial_ended(self, trial: Trial, rows: Mapping[Key, tuple[Row, ...]], files: Mapping[Key, Files]) -> None:
        ended = views(trial)
        if any(place not in self._outbox.waiting for place in ended):
            self._enter(trial)
        its_rows = {place_of(trial, key): each for key, each in rows.items()}
        its_files = {place_of(trial, key): each for key, each in files.items()}
        for place, view in ended.items():
            entry = self._outbox.waiting[place]
            if isinstance(entry, Entry):
                entry.end(view, its_rows.get(place, ()), its_files.get(place, {}))
        self._outbox.offer(list(ended))

    def summarise(self, metrics: Metrics, files: Files, status: Literal["FINISHED", "FAILED", "KILLED"]) -> None:
        """Close the study's parent run; each session of the study adds one step to the metrics."""
        self._outbox.waiting[SUMMARY] = Summary(metrics, files, status)
        self._outbox.offer([SUMMARY])

    def close(self) -> None:
        self._outbox.flush()

    def _enter(self, trial: Trial) -> None:
        shown = views(trial)
        entries: dict[Place, Entry] = {}
        for place, view in shown.items():
            of = entries[place.row] if place.seed is not None else None
            doubtful = place in self._outbox.waiting
            entries[place] = Entry(place, view, of, len(shown), doubtful=doubtful)
        self._outbox.waiting.update(entries)
        self._entered[trial.number] = list(entries)

    def _complain(self, error: Exception) -> None:
        reason = f"{type(error).__name__}: {reason_of(error, self._uri)}"
        self._warn(f"MLflow at {shown(self._uri)}: not logged now, will be sent later: {reason}")

    def _reachable(self) -> bool:
        try:
            self._connect().get_experiment(self._experiment_id)
        except Exception:
            return False
        return True

    def _connect(self) -> MlflowClient:
        """The client, once experiment, parent run and the runs of earlier sessions are known."""
        path = database(self._uri)
        if path is not None:
            if self._client is None:
                create_once(path, connected)
            check_writable(path)
        if self._client is not None:
            return self._client
        client = connected(self._uri)
        self._experiment_id = experiment_id(client, self._uri, self._experiment, self._artifacts)
        if self._home is not None:
            bring_home(self._uri, self._home, self._experiment_id)
        self._unfinished, parents = {}, []
        closed: Counter[int] = Counter()
        for run in runs(client, self._experiment_id, self._mine):
            place = place_in(run.data.tags)
            if place is None:
                parents += [run] if run.data.tags.get(STUDY) == self._study else []
            elif _settled(run):
                self._closed.add(place)
                closed[place.number] += 1
                if closed[place.number] == int(run.data.tags.get(RUNS, 1)):
                    self._whole.add(place.number)
            else:
                self._unfinished[place] = run
        if self._study is not None:
            self._parent = self._open_parent(client, self._study, parents)
        self._client = client
        return client

    def _open_parent(self, client: MlflowClient, study: str, found: list[Run]) -> str:
        if not found:
            tags = {**self._tags, STUDY: study}
            return str(client.create_run(self._experiment_id, tags=tags, run_name=study).info.run_id)
        run_id = str(found[0].info.run_id)
        if found[0].info.lifecycle_stage == "deleted":
            client.restore_run(run_id)
        client.update_run(run_id, status="RUNNING")
        return run_id

    def _send(self, item: Entry | Summary) -> None:
        if isinstance(item, Summary):
            self._send_summary(item)
        elif item.steps is None or item.ended or item.rows:
            self._send_entry(self._connect(), item)

    def _send_entry(self, client: MlflowClient, entry: Entry) -> None:
        trial = entry.trial
        if entry.steps is None:
            self._look_up(client, entry)
        tags = {STATE: trial.state, REASON: trial.reason, **_noted(trial)} if entry.ended else {}
        if entry.run_id is None:
            info = self._create(client, entry, tags).info
            entry.run_id, entry.artifacts, tags = info.run_id, info.artifact_uri, {}
        if entry.settled not in ("deleted", trial.state):
            points, params = entry.lacking_points(), entry.lacking_params()
            written = {key: str(value) for key, value in params.items()}
            log(client, entry.run_id, points, written, {key: value for key, value in tags.items() if value})
            entry.sent(points, params)
            if entry.ended:
                upload(self._uri, entry.artifacts, entry.files)
                failpoint("before-mlflow-end")
                client.set_terminated(entry.run_id, STATUS[trial.state], trial.ended_ms or None)
        if entry.ended:
            self._closed.add(entry.place)

    def _look_up(self, client: MlflowClient, entry: Entry) -> None:
        run = self._unfinished.pop(entry.place, None)
        if entry.doubtful or entry.place in self._closed:  # closed: ahead of the study's storage when a driver died
            run = run_at(client, self._experiment_id, entry.place, self._mine)
        entry.run_id, entry.settled, entry.steps, entry.params = None, "", {}, set()
        if run is not None:
            entry.run_id, entry.artifacts, entry.settled = run.info.run_id, run.info.artifact_uri, _settled(run)
            entry.steps = last_steps(run)
            entry.params = set(run.data.params)

    def _create(self, client: MlflowClient, entry: Entry, end: Mapping[str, str]) -> Run:
        """A run with its tags, those of its end included if that is known."""
        place = entry.place
        tags = {**self._tags, **place.tags(entry.siblings), STATE: "RUNNING", **{k: v for k, v in end.items() if v}}
        above = self._parent
        if entry.of is not None:
            if entry.of.run_id is None:
                self._send_entry(client, entry.of)
            above = entry.of.run_id
        if above is not None:
            tags["mlflow.parentRunId"] = above
        if self._study is not None:
            tags[STUDY] = self._study
        name = self._tags[RUN] if self._study is None else place.name
        return client.create_run(self._experiment_id, entry.trial.started_ms or None, tags, name)

    def _send_summary(self, summary: Summary) -> None:
        client = self._connect()
        if self._parent is None:
            return
        run = client.get_run(self._parent)
        step = 1 + max(last_steps(run).values(), default=-1)
        now = int(time.time() * 1000)
        log(client, self._parent, [Point(key, value, now, step) for key, value in summary.metrics.items()])
        upload(self._uri, run.info.artifact_uri, summary.files)
        client.set_terminated(self._parent, summary.status)


def _noted(trial: Trial) -> dict[str, str]:
    return {f"sparsetune.{name}": words for name, words in trial.notes.items()}


def _settled(run: Run) -> str:
    if run.info.lifecycle_stage == "deleted":
        return "deleted"  # by hand: it is not written again
    return str(run.data.tags.get(STATE, "")) if run.info.status in STATUS.values() else ""
