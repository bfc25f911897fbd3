"""Brings to MLflow what is pending: numbers, then files, then the end of a run.

What MLflow will never take does not hold up the rest. A run is closed without it, and tags say what it lacks and why,
and where its files lie. Files that may be taken later are tried again while the run is closed already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sparsetune.base.failpoints import failpoint
from sparsetune.base.messages import SPLIT, Trial
from sparsetune.base.paths import TABLE
from sparsetune.tracking.client import last_steps, log, log_data, run_at
from sparsetune.tracking.library import MlflowClient, Run
from sparsetune.tracking.limits import KEY, PARAM, TAG, Param, Tag, clean, fit
from sparsetune.tracking.notes import FRONT_FILE
from sparsetune.tracking.page_state import TABLES, tables
from sparsetune.tracking.pending import Pending, Summary
from sparsetune.tracking.present import end_tags, present, run_name, tags_of
from sparsetune.tracking.run_keys import FILES_AT, FILES_REFUSED, REASON, REFUSED, RUN, STATE, STUDY, Owner
from sparsetune.tracking.session import STATUS, Session, settled, wants_files
from sparsetune.tracking.shelf import Kept, Shelf
from sparsetune.tracking.subject import Subject
from sparsetune.tracking.trouble import refuses, shown, worded

Refused = Mapping[str, Exception]  # why, by what it is


class Sender:
    """Sends what runs lack. Raises what the store raises when it is away, or will not have a run at all."""

    def __init__(self, uri: str, owner: Owner, subject: Subject, shelf: Shelf, warn: Callable[[str], None]) -> None:
        self._uri, self._owner, self._subject, self._shelf, self._warn = uri, owner, subject, shelf, warn
        self._said: set[str] = set()

    def pending(self, session: Session, pending: Pending) -> bool:
        """Send it; True: its files may be taken later."""
        client, trial = session.client, pending.trial
        if pending.steps is None:
            self._look_up(session, pending)
        tags = self._end_tags(trial) if pending.ended else {}
        if not pending.run_id:
            info = self._create(session, pending, tags).info
            pending.run_id, pending.artifacts, tags = info.run_id, info.artifact_uri, {}
        open_run = pending.settled not in ("deleted", trial.state)
        if open_run:
            refused = {**self._write_numbers(client, pending, tags), **self._write_data(client, pending)}
            if refused and pending.settled != "deleted":
                self._note_refused(client, pending, refused)
        if not pending.ended:
            return False
        later = False
        if pending.settled != "deleted" and (open_run or pending.waits_at):
            later = self._write_files(session, pending)
            failpoint("before-mlflow-end")
            if open_run:
                client.set_terminated(pending.run_id, STATUS[trial.state], trial.ended_ms or None)
                pending.settled = trial.state
        if not later:
            session.closed.add(pending.key)
        return later

    def summary(self, session: Session, summary: Summary) -> None:
        """Close the parent run; with an answer also bring it, the runs and the study's page up to date."""
        client, parent = session.client, session.parent
        if parent is None:
            return
        run = client.get_run(parent)
        if run.info.lifecycle_stage == "deleted":
            return
        news = summary.answer is not None and present(
            client, session.experiment_id, run, self._owner.mine, self._subject, summary.answer
        )
        if summary.files and (news or FILES_REFUSED not in run.data.tags):
            kept = self._shelf.put(parent, run.info.artifact_uri, summary.files)
            self._note_files(client, parent, kept, summary.left_at, run.data.tags)
            summary.bare = kept is not None
            log(client, parent, [Tag(TABLES, tables(FRONT_FILE))] if FRONT_FILE in summary.files else [])
        client.set_terminated(parent, summary.status)

    def _end_tags(self, trial: Trial) -> dict[str, str]:
        noted = {f"sparsetune.{name}": words for name, words in trial.notes.items()}
        return {STATE: trial.state, REASON: trial.reason, **noted, **end_tags(self._subject, trial)}

    def _write_numbers(self, client: MlflowClient, pending: Pending, tags: Mapping[str, str]) -> Refused:
        measurements, params = pending.lacking_measurements(), pending.lacking_params()
        written = [Param(key, fit(str(value), PARAM)) for key, value in params.items()]
        refused = log(client, pending.run_id, (*_tags(tags), *written, *measurements))
        if refused and client.get_run(pending.run_id).info.lifecycle_stage == "deleted":
            pending.settled = "deleted"
        else:
            pending.sent(measurements, params)
        return refused

    def _write_data(self, client: MlflowClient, pending: Pending) -> Refused:
        """Of a trial that has ended: what it was trained on."""
        digest, data = pending.trial.notes.get(SPLIT), pending.trial.config.get("data", {})
        if not digest or pending.settled == "deleted":
            return {}
        try:
            log_data(client, pending.run_id, data.get("name", "data"), digest, data)
        except Exception as error:  # each store raises its own kinds
            if not refuses(error):
                raise
            return {"data set": error}
        return {}

    def _note_refused(self, client: MlflowClient, pending: Pending, refused: Refused) -> None:
        said = {what: worded(error, self._uri) for what, error in refused.items()}
        client.set_tag(pending.run_id, REFUSED, fit("; ".join(f"{what}: {why}" for what, why in said.items()), TAG))
        what, why = next(iter(said.items()))
        more = f" and {len(said) - 1} more" if len(said) > 1 else ""
        self._say_once("names", f"it does not take {what}{more} of {pending.key.name}, whose files have all: {why}")

    def _write_files(self, session: Session, pending: Pending) -> bool:
        """True: they may be taken later."""
        if not pending.files:
            return False
        kept = self._shelf.put(pending.run_id, pending.artifacts, pending.files)
        if TABLE in pending.files:
            log(session.client, pending.run_id, [Tag(TABLES, tables(TABLE))])
        has = {FILES_AT: pending.waits_at} if pending.waits_at else {}
        self._note_files(session.client, pending.run_id, kept, pending.left_at, has)
        later = kept is not None and not kept.forever
        pending.waits_at = pending.left_at if later else ""
        if kept is not None and kept.forever:
            session.bare.add(pending.key.number)
        return later

    def _note_files(
        self, client: MlflowClient, run_id: str, kept: Kept | None, left_at: str, has: Mapping[str, str]
    ) -> None:
        """Say on a run where its files lie and why, or no more; ``has``: its tags."""
        if kept is None:
            for tag in (FILES_AT, FILES_REFUSED):
                if tag in has:
                    client.delete_tag(run_id, tag)
            return
        wanted = {FILES_AT: fit(left_at, TAG), **({FILES_REFUSED: fit(kept.reason, TAG)} if kept.forever else {})}
        for tag, value in wanted.items():
            if has.get(tag) != value:
                client.set_tag(run_id, tag, value)
        if kept.forever:
            what = f"it takes no files from here ({kept.reason}); runs are closed without them, and they stay"
        else:
            what = f"files are not taken now ({kept.reason}), and will be sent later; until then they lie"
        self._say_once("refused" if kept.forever else "later", f"{what} in {left_at} and beside it")

    def _say_once(self, topic: str, words: str) -> None:
        if topic not in self._said:
            self._said.add(topic)
            self._warn(f"MLflow at {shown(self._uri)}: {words}")

    def _look_up(self, session: Session, pending: Pending) -> None:
        run = session.unfinished.pop(pending.key, None)
        if pending.doubtful or pending.key in session.closed:  # closed: ahead of the study's storage when a driver died
            run = run_at(session.client, [session.experiment_id], pending.key, self._owner.mine)
        pending.run_id, pending.settled, pending.waits_at, pending.steps, pending.params = "", "", "", {}, set()
        if run is not None:
            pending.run_id, pending.artifacts, pending.settled = run.info.run_id, run.info.artifact_uri, settled(run)
            pending.waits_at = run.data.tags[FILES_AT] if wants_files(run) else ""
            pending.steps = last_steps(run)
            pending.params = set(run.data.params)

    def _create(self, session: Session, pending: Pending, end: Mapping[str, str]) -> Run:
        """A run with its tags, those of its end included if that is known."""
        key, owner, subject = pending.key, self._owner, self._subject
        tags = {**owner.tags, **key.tags(pending.siblings), **tags_of(subject, key, pending.trial), STATE: "RUNNING"}
        if session.parent is not None:
            tags["mlflow.parentRunId"] = session.parent
        if owner.study is not None:
            tags[STUDY] = owner.study
        name = owner.tags[RUN] if owner.study is None else run_name(pending.trial)
        words = {tag.key: tag.value for tag in _tags({**tags, **end})}
        return session.client.create_run(session.experiment_id, pending.trial.started_ms or None, words, fit(name, KEY))


def _tags(words: Mapping[str, str]) -> Sequence[Tag]:
    """As MLflow takes them; it has no empty ones."""
    return [Tag(clean(key), fit(value, TAG)) for key, value in words.items() if value]
