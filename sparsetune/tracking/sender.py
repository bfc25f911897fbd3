"""Brings entries to MLflow: numbers, then files, then the end of a run.

What MLflow will never take does not hold up the rest. A run is closed without it, and tags say what it lacks and why,
and where its files lie. Files that may be taken later are tried again while the run is closed already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sparsetune.base.failpoints import failpoint
from sparsetune.base.messages import SPLIT, Trial
from sparsetune.base.paths import TABLE
from sparsetune.tracking.batches import Param, Tag
from sparsetune.tracking.client import MlflowClient, Run, last_steps, log, log_data, run_at
from sparsetune.tracking.entry import Entry, Summary
from sparsetune.tracking.labels import end_tags, run_name, tags_of
from sparsetune.tracking.naming import KEY, PARAM, TAG, clean, fit
from sparsetune.tracking.notes import FRONT_FILE
from sparsetune.tracking.places import (
    FILES_AT,
    FILES_REFUSED,
    REASON,
    REFUSED,
    RUN,
    STATE,
    STUDY,
)
from sparsetune.tracking.present import present
from sparsetune.tracking.session import STATUS, Owner, Session, settled, wants_files
from sparsetune.tracking.shelf import Kept, Shelf, worded
from sparsetune.tracking.store import shown
from sparsetune.tracking.subject import Subject
from sparsetune.tracking.trouble import refuses
from sparsetune.tracking.view_state import TABLES, tables

Refused = Mapping[str, Exception]  # why, by what it is


class Sender:
    """Sends what an entry lacks. Raises what the store raises when it is away, or will not have a run at all."""

    def __init__(self, uri: str, owner: Owner, subject: Subject, shelf: Shelf, warn: Callable[[str], None]) -> None:
        self._uri, self._owner, self._subject, self._shelf, self._warn = uri, owner, subject, shelf, warn
        self._said: set[str] = set()

    def entry(self, session: Session, entry: Entry) -> bool:
        """Send it; True: its files may be taken later."""
        client, trial = session.client, entry.trial
        if entry.steps is None:
            self._look_up(session, entry)
        tags = self._end_tags(trial) if entry.ended else {}
        if entry.run_id is None:
            info = self._create(session, entry, tags).info
            entry.run_id, entry.artifacts, tags = info.run_id, info.artifact_uri, {}
        open_run = entry.settled not in ("deleted", trial.state)
        if open_run:
            refused = {**self._write_numbers(client, entry, tags), **self._write_data(client, entry)}
            if refused and entry.settled != "deleted":
                self._note_refused(client, entry, refused)
        if not entry.ended:
            return False
        later = False
        if entry.settled != "deleted" and (open_run or entry.waits_at):
            later = self._write_files(session, entry)
            failpoint("before-mlflow-end")
            if open_run:
                client.set_terminated(entry.run_id, STATUS[trial.state], trial.ended_ms or None)
                entry.settled = trial.state
        if not later:
            session.closed.add(entry.place)
        return later

    def summary(self, session: Session, summary: Summary) -> None:
        """Close the parent run; with an answer also bring it, the runs and the study's view up to date."""
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

    def _write_numbers(self, client: MlflowClient, entry: Entry, tags: Mapping[str, str]) -> Refused:
        assert entry.run_id is not None
        points, params = entry.lacking_points(), entry.lacking_params()
        written = [Param(key, fit(str(value), PARAM)) for key, value in params.items()]
        refused = log(client, entry.run_id, (*_tags(tags), *written, *points))
        if refused and client.get_run(entry.run_id).info.lifecycle_stage == "deleted":
            entry.settled = "deleted"
        else:
            entry.sent(points, params)
        return refused

    def _write_data(self, client: MlflowClient, entry: Entry) -> Refused:
        """Of a trial that has ended: what it was trained on."""
        digest, data = entry.trial.notes.get(SPLIT), entry.trial.config.get("data", {})
        if not digest or entry.run_id is None or entry.settled == "deleted":
            return {}
        try:
            log_data(client, entry.run_id, data.get("name", "data"), digest, data)
        except Exception as error:  # each store raises its own kinds
            if not refuses(error):
                raise
            return {"data set": error}
        return {}

    def _note_refused(self, client: MlflowClient, entry: Entry, refused: Refused) -> None:
        assert entry.run_id is not None
        said = {what: worded(error, self._uri) for what, error in refused.items()}
        client.set_tag(entry.run_id, REFUSED, fit("; ".join(f"{what}: {why}" for what, why in said.items()), TAG))
        what, why = next(iter(said.items()))
        more = f" and {len(said) - 1} more" if len(said) > 1 else ""
        self._say_once("names", f"it does not take {what}{more} of {entry.place.name}, whose files have all: {why}")

    def _write_files(self, session: Session, entry: Entry) -> bool:
        """True: they may be taken later."""
        assert entry.run_id is not None
        if not entry.files:
            return False
        kept = self._shelf.put(entry.run_id, entry.artifacts, entry.files)
        if TABLE in entry.files:
            log(session.client, entry.run_id, [Tag(TABLES, tables(TABLE))])
        known = {FILES_AT: entry.waits_at} if entry.waits_at else {}
        self._note_files(session.client, entry.run_id, kept, entry.left_at, known)
        later = kept is not None and not kept.forever
        entry.waits_at = entry.left_at if later else ""
        if kept is not None and kept.forever:
            session.bare.add(entry.place.number)
        return later

    def _note_files(
        self, client: MlflowClient, run_id: str, kept: Kept | None, left_at: str, known: Mapping[str, str]
    ) -> None:
        """Say on a run where its files lie and why, or no more; ``known``: tags that it has."""
        if kept is None:
            for tag in (FILES_AT, FILES_REFUSED):
                if tag in known:
                    client.delete_tag(run_id, tag)
            return
        wanted = {FILES_AT: fit(left_at, TAG), **({FILES_REFUSED: fit(kept.reason, TAG)} if kept.forever else {})}
        for tag, value in wanted.items():
            if known.get(tag) != value:
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

    def _look_up(self, session: Session, entry: Entry) -> None:
        run = session.unfinished.pop(entry.place, None)
        if entry.doubtful or entry.place in session.closed:  # closed: ahead of the study's storage when a driver died
            run = run_at(session.client, [session.experiment_id], entry.place, self._owner.mine)
        entry.run_id, entry.settled, entry.waits_at, entry.steps, entry.params = None, "", "", {}, set()
        if run is not None:
            entry.run_id, entry.artifacts, entry.settled = run.info.run_id, run.info.artifact_uri, settled(run)
            entry.waits_at = run.data.tags[FILES_AT] if wants_files(run) else ""
            entry.steps = last_steps(run)
            entry.params = set(run.data.params)

    def _create(self, session: Session, entry: Entry, end: Mapping[str, str]) -> Run:
        """A run with its tags, those of its end included if that is known."""
        place, owner, subject = entry.place, self._owner, self._subject
        tags = {**owner.tags, **place.tags(entry.siblings), **tags_of(subject, place, entry.trial), STATE: "RUNNING"}
        tags |= {key: value for key, value in end.items() if value}
        if session.parent is not None:
            tags["mlflow.parentRunId"] = session.parent
        if owner.study is not None:
            tags[STUDY] = owner.study
        name = owner.tags[RUN] if owner.study is None else run_name(entry.trial)
        words = {tag.key: tag.value for tag in _tags(tags)}
        return session.client.create_run(session.experiment_id, entry.trial.started_ms or None, words, fit(name, KEY))


def _tags(words: Mapping[str, str]) -> Sequence[Tag]:
    """As MLflow takes them; it has no empty ones."""
    return [Tag(clean(key), fit(value, TAG)) for key, value in words.items() if value]
