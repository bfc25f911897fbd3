"""Brings what a study's runs and its page say up to date: names, tags, description, view; also of an earlier version's.

What a user has written there by hand stays: a run's name or description, a description of the study.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from sparsetune.base.messages import Trial
from sparsetune.config.study.views import replicate_rows
from sparsetune.tracking.answer import Answer
from sparsetune.tracking.batches import Param, Tag
from sparsetune.tracking.client import MlflowClient, Run, log, runs
from sparsetune.tracking.labels import end_tags, parent_tags, run_name, tags_of, winner_tags
from sparsetune.tracking.naming import KEY, TAG, fit
from sparsetune.tracking.notes import NOTE, of_study
from sparsetune.tracking.places import BEST, BROKEN, FRONT, NUMBER, Place, place_in
from sparsetune.tracking.subject import Subject
from sparsetune.tracking.view import view_of
from sparsetune.tracking.view_state import KIND
from sparsetune.tracking.view_state import TAG as VIEW

_DESCRIBED = "sparsetune.described"  # the digest of the description that was written last
_PARENT = "mlflow.parentRunId"
_EDITION = 1  # one more whenever what is written here has changed
_PASSING = (FRONT, BEST, BROKEN)  # tags that a run may lose


def present(
    client: MlflowClient, experiment: str, parent: Run | None, mine: str, subject: Subject, answer: Answer
) -> bool:
    """Write what differs from what is there; True if the parent's run said something else.

    Args:
        parent: the study's own run, below which all runs of its trials are.
        mine: a condition on runs: that they are the study's.
    """
    note, news = of_study(subject, answer), []
    if parent is not None:
        tags = {**parent_tags(subject, answer), **described(parent.data.tags, note)}
        news = _differing(tags, parent.data.tags)
        log(client, parent.info.run_id, news)
    shown = {Place(row.number, row.branch): row for row in answer.rows}
    winners = winner_tags(subject.objectives, answer.won)
    above = {} if parent is None else {_PARENT: parent.info.run_id}
    for run in runs(client, [experiment], mine, deleted=False):
        place = place_in(run.data.tags)
        view = None if place is None else _view(shown, place)
        if place is not None and view is not None:
            of_row = winners.get(place, {}) if place.seed is None else {}
            wanted = {**place.role, **tags_of(subject, place, view), **end_tags(subject, view), **above, **of_row}
            _relabel(client, run, place, view, wanted)
    there = client.get_experiment(experiment).tags
    texts = {**KIND, VIEW: view_of(subject, answer.rows, answer.matter), **described(there, note), **edition(answer)}
    for tag in _differing(texts, there):
        client.set_experiment_tag(experiment, tag.key, tag.value)
    return bool(news)


def edition(answer: Answer) -> dict[str, str]:
    """A tag of the experiment: of which trials its page tells, in which edition of ours."""
    trials = ", ".join(f"{count} {state}" for state, count in sorted(answer.counts.items()))
    return {"sparsetune.shown": f"{_EDITION}: {trials}"}


def described(there: Mapping[str, str], text: str) -> dict[str, str]:
    """A description and its digest, as tags; none where somebody has written another one."""
    known = there.get(NOTE, "")
    if known and _digest(known) != there.get(_DESCRIBED):
        return {}
    note = fit(text, TAG)
    return {NOTE: note, _DESCRIBED: _digest(note)}


def _view(shown: Mapping[Place, Trial], place: Place) -> Trial | None:
    """What the run at a place shows of a row or of a replicate of it; None for what has not ended or is not known."""
    row = shown.get(place.row)
    if row is None or row.state == "RUNNING":
        return None
    if place.seed is None:
        return row
    return next((each for each in replicate_rows(row) if each.seed == place.seed), None)


def _relabel(client: MlflowClient, run: Run, place: Place, view: Trial, wanted: Mapping[str, str]) -> None:
    has, run_id = run.data.tags, run.info.run_id
    new = _differing({key: value for key, value in wanted.items() if key != NOTE or NOTE not in has}, has)
    number = [] if NUMBER in run.data.params else [Param(NUMBER, str(place.number))]
    if new or number:
        log(client, run_id, [*new, *number])
    for key in _PASSING:
        if key in has and key not in wanted:
            client.delete_tag(run_id, key)
    if run.info.run_name == place.name:  # an earlier version's
        client.update_run(run_id, name=fit(run_name(view), KEY))


def _differing(wanted: Mapping[str, str], has: Mapping[str, str]) -> list[Tag]:
    fitting = {key: value if key == VIEW else fit(value, TAG) for key, value in wanted.items() if value}
    return [Tag(key, value) for key, value in fitting.items() if has.get(key) != value]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
