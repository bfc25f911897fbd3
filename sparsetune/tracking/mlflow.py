"""Trials in MLflow: one experiment a study, in it one parent run and under that one run a trial.

A forked trial has a run for each branch. The run of several replicates has their means, and beside it is a run for each
seed. Each says how many runs its trial has: only when so many are closed, the trial is wholly there.

Runs are found again by their tags, which are written in the transaction that creates the run: a kill at any moment
gives no second run. What an outage kept back is sent later; what a driver that died had not sent, the next one sends
again: it asks :meth:`MlflowTracker.logged` for each finished trial.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Files, Key, Row, Trial
from sparsetune.base.stores.sqlite import sqlite_path
from sparsetune.tracking.client import connected
from sparsetune.tracking.outbox import Outbox
from sparsetune.tracking.pending import Pending, Summary
from sparsetune.tracking.run_keys import Owner, RunKey, rows_by_run, run_key_of, shown_rows
from sparsetune.tracking.sender import Sender
from sparsetune.tracking.session import Session, open_session
from sparsetune.tracking.shelf import Shelf
from sparsetune.tracking.store import check_writable, create_once
from sparsetune.tracking.subject import SINGLE, Answer, Subject
from sparsetune.tracking.tables import Home
from sparsetune.tracking.trouble import reason_of, refuses, shown

FilesOf = Callable[[Trial, Mapping[Key, tuple[Row, ...]], Mapping[Key, Files]], Mapping[RunKey, Files]]
SUMMARY = RunKey(-1)  # the study's parent run in the outbox


def folder_of(files: Files) -> Path:
    """The nearest folder above all of them."""
    return Path(os.path.commonpath([path.absolute().parent for path in files.values()]))


def files_by_run(
    trial: Trial, rows: Mapping[Key, tuple[Row, ...]], files: Mapping[Key, Files]
) -> Mapping[RunKey, Files]:
    """The files that each run of a trial has left."""
    return {run_key_of(trial, key): each for key, each in files.items()}


class MlflowTracker:
    """An observer that writes to MLflow.

    With a study, trials are runs nested under its parent run; what is its own is told by the tag
    ``sparsetune.study_id``. Without one they are top-level runs of the experiment, told apart by ``sparsetune.run``.
    ``tags`` must have that one, a value without quotes, and every run that is created gets them all. ``warn`` gets one
    line, at the first thing that cannot be sent now, and one at the first that MLflow will never take; ``home`` is the
    project's, which may have moved. Raises :class:`BadInput` for an experiment that was deleted.
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
        left_at: Callable[[Files], Path] = folder_of,
        subject: Subject = SINGLE,
        files_of: FilesOf = files_by_run,
    ) -> None:
        """
        Args:
            artifacts: where a local store keeps files.
            left_at: the folder in which a run's files stay if MLflow does not take them.
            subject: what the runs are of, for their names, tags and descriptions.
            files_of: the files that the runs of an ended trial get, of what its rows and files are.
        """
        self._uri, self._experiment, self._artifacts = uri, experiment, artifacts
        self._warn, self._left_at, self._files_of, self._home = warn, left_at, files_of, home
        self._owner, self._last_only = Owner(study, dict(tags)), subject.last_only
        self._session: Session | None = None
        self._keys: dict[int, list[RunKey]] = {}  # of the runs of this session's trials
        self._shelf = Shelf(uri, clock)
        self._sender = Sender(uri, self._owner, subject, self._shelf, warn)
        self._outbox: Outbox[RunKey, Pending | Summary] = Outbox(self._send, self._reachable, self._complain, clock)
        self._summary: Summary | None = None
        try:
            self._connect()
        except BadInput:
            raise
        except Exception as error:  # the server is away: the outbox connects later
            self._outbox.failed(error)

    def logged(self, number: int) -> bool:
        """Whether all runs of the trial are closed in MLflow, with all of it."""
        return self._closed(number) and not self.refused(number)

    def refused(self, number: int) -> bool:
        """Whether all runs of the trial are closed in MLflow, and it will never take the files of one."""
        return self._session is not None and number in self._session.bare and self._closed(number)

    def _closed(self, number: int) -> bool:
        if number in self._keys:
            return not any(key in self._outbox.waiting for key in self._keys[number])
        return self._session is not None and number in self._session.whole

    def trial_started(self, trial: Trial, *, resumed: bool) -> None:
        if trial.state == "RUNNING" or not self._closed(trial.number):
            self._enter(trial)
        self._outbox.tick()

    def trial_reported(self, trial: Trial, key: Key, rows: tuple[Row, ...]) -> None:
        pending = self._outbox.waiting.get(run_key_of(trial, key))
        if isinstance(pending, Pending):
            pending.rows.extend(rows)
        self._outbox.tick()

    def trial_ended(self, trial: Trial, rows: Mapping[Key, tuple[Row, ...]], files: Mapping[Key, Files]) -> None:
        if trial.number not in self._keys and self._closed(trial.number):
            return  # told again, for its folder is there
        ended = shown_rows(trial)
        if not ended.keys() <= self._outbox.waiting.keys():
            self._enter(trial)
        its_rows = rows_by_run(trial, rows)
        its_files = self._files_of(trial, rows, files)
        for key, row in ended.items():
            pending = self._outbox.waiting[key]
            if isinstance(pending, Pending):
                pending.end(row, its_rows.get(key, ()), its_files.get(key, {}))
                pending.left_at = str(self._left_at(pending.files)) if pending.files else ""
        self._outbox.offer(list(ended))

    def summarise(
        self, status: Literal["FINISHED", "FAILED", "KILLED"], answer: Answer | None = None, files: Files | None = None
    ) -> None:
        """Close the study's parent run; with an answer also bring what runs say and the study's page up to date."""
        left_at = str(folder_of(files)) if files else ""
        self._summary = Summary(status, files or {}, left_at, answer)
        self._outbox.waiting[SUMMARY] = self._summary
        self._outbox.offer([SUMMARY])

    @property
    def summary_stays(self) -> bool:
        """Whether MLflow has not taken the files of the last summary, and says where they lie."""
        return self._summary is not None and self._summary.bare

    def close(self) -> None:
        self._shelf.try_again()
        self._outbox.flush()

    def _enter(self, trial: Trial) -> None:
        rows, waiting = shown_rows(trial), self._outbox.waiting
        for key, row in rows.items():
            waiting[key] = Pending(key, row, len(rows), self._last_only, doubtful=key in waiting)
        self._keys[trial.number] = list(rows)

    def _complain(self, error: Exception) -> None:
        later = "refused, and tried again at the next start" if refuses(error) else "not logged now, will be sent later"
        self._warn(f"MLflow at {shown(self._uri)}: {later}: {type(error).__name__}: {reason_of(error, self._uri)}")

    def _reachable(self) -> bool:
        try:
            session = self._connect()
            session.client.get_experiment(session.experiment_id)
        except Exception:
            return False
        return True

    def _connect(self) -> Session:
        """The session, once experiment, parent run and the runs of earlier sessions are known."""
        path = sqlite_path(self._uri)
        if path is not None:
            if self._session is None:
                create_once(path, connected)
            check_writable(path)
        if self._session is None:
            self._session = open_session(self._uri, self._experiment, self._artifacts, self._owner, self._home)
            if self._session.remark:
                self._warn(f"MLflow at {shown(self._uri)}: {self._session.remark}")
        return self._session

    def _send(self, item: Pending | Summary) -> bool:
        if isinstance(item, Summary):
            self._sender.summary(self._connect(), item)
        elif item.steps is None or item.ended or item.rows:
            return self._sender.pending(self._connect(), item)
        return False
