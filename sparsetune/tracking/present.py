"""What runs are called and tagged with. Brings up to date what a study's runs and page say, also an earlier version's.

What a user has written there by hand stays: a run's name or description, a description of the study.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from sparsetune.base.layout.text import short_names, value_text
from sparsetune.base.messages import Trial
from sparsetune.config.study.file import Objective
from sparsetune.config.study.front import Winners
from sparsetune.config.study.rows import replicate_rows
from sparsetune.tracking.client import log, runs
from sparsetune.tracking.library import MlflowClient, Run
from sparsetune.tracking.limits import KEY, TAG, Param, Tag, fit
from sparsetune.tracking.notes import NOTE, of_run, of_study
from sparsetune.tracking.page import page_of
from sparsetune.tracking.page_state import KIND
from sparsetune.tracking.page_state import TAG as PAGE
from sparsetune.tracking.run_keys import BEST, BROKEN, FRONT, METHOD, NUMBER, ROLE, RunKey, run_key_in
from sparsetune.tracking.subject import Answer, Subject

SOURCE, SOURCE_TYPE = "mlflow.source.name", "mlflow.source.type"
_LONGEST = 60  # characters of a name
_DESCRIBED = "sparsetune.described"  # the digest of the description that was written last
_PARENT = "mlflow.parentRunId"
_EDITION = 1  # one more whenever what is written here has changed
_PASSING = (FRONT, BEST, BROKEN)  # tags that a run may lose


def run_name(row: Trial) -> str:
    """``#22 kp 0.089 ki 0.018``: the trial's number, and what varies, as much of it as a short name holds.

    Names are cut to their last part where that tells them apart.
    """
    shown = [f"#{row.number}", *(f"{short} {value_text(row.params[name])}" for name, short in short_names(row.params))]
    if row.seed is not None:
        shown.insert(1, f"seed {row.seed}")
    name = shown[0]
    for index, words in enumerate(shown[1:], 1):
        if len(name) + 1 + len(words) > _LONGEST:
            return f"{name} +{len(shown) - index}"
        name = f"{name} {words}"
    return name


def tags_of(subject: Subject, key: RunKey, row: Trial) -> dict[str, str]:
    """What is known of a run when it begins."""
    method = row.config.get("method", {}).get("name", "")
    role = {} if subject.name else {ROLE: "run"}
    return {METHOD: method, NOTE: of_run(subject, key, row), **role, **_source(subject)}


def end_tags(subject: Subject, row: Trial) -> dict[str, str]:
    """What is known of a run once it has ended: which constraints it breaks."""
    broken = [c.name for c in subject.constraints if c.metric in row.metrics and c.violation(row.metrics) > 0]
    return {BROKEN: "; ".join(broken)} if broken else {}


def parent_tags(subject: Subject, answer: Answer) -> dict[str, str]:
    """What a study's own run is tagged with: its role, and how many trials it has."""
    counted = {
        f"sparsetune.trials_{state.lower()}": str(count) for state, count in answer.counts.items() if state != "RUNNING"
    }
    return {ROLE: "study", **counted, **_source(subject)}


def winner_tags(objectives: Sequence[Objective], won: Winners) -> Mapping[RunKey, dict[str, str]]:
    """What rows of the front are tagged with: that they are on it, and in which objectives they are the best."""
    tagged: dict[RunKey, dict[str, str]] = {RunKey(row.number, row.branch): {FRONT: "true"} for row in won.front}
    for objective, row in zip(objectives, won.best, strict=False):
        tags = tagged.setdefault(RunKey(row.number, row.branch), {FRONT: "true"})
        tags[BEST] = ", ".join(filter(None, [tags.get(BEST), objective.metric]))
    return tagged


def _source(subject: Subject) -> dict[str, str]:
    return {SOURCE: subject.source, SOURCE_TYPE: "LOCAL"} if subject.source else {}


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
    rows = {RunKey(row.number, row.branch): row for row in answer.rows}
    winners = winner_tags(subject.objectives, answer.won)
    above = {} if parent is None else {_PARENT: parent.info.run_id}
    for run in runs(client, [experiment], mine, deleted=False):
        key = run_key_in(run.data.tags)
        row = None if key is None else _shown_by(key, rows.get(key.row))
        if key is not None and row is not None:
            wanted = {**key.role, **tags_of(subject, key, row), **end_tags(subject, row), **above}
            _relabel(client, run, key, row, wanted | winners.get(key, {}))
    there = client.get_experiment(experiment).tags
    texts = {**KIND, PAGE: page_of(subject, answer.rows, answer.matter), **described(there, note), **edition(answer)}
    for tag in _differing(texts, there):
        client.set_experiment_tag(experiment, tag.key, tag.value)
    return bool(news)


def edition(answer: Answer) -> dict[str, str]:
    """A tag of the experiment: of which trials its page tells, in which edition of ours."""
    trials = ", ".join(f"{count} {state}" for state, count in sorted(answer.counts.items()))
    return {"sparsetune.shown": f"{_EDITION}: {trials}"}


def described(there: Mapping[str, str], text: str) -> dict[str, str]:
    """A description and its digest, as tags; none where somebody has written another one."""
    present = there.get(NOTE, "")
    if present and _digest(present) != there.get(_DESCRIBED):
        return {}
    note = fit(text, TAG)
    return {NOTE: note, _DESCRIBED: _digest(note)}


def _shown_by(key: RunKey, row: Trial | None) -> Trial | None:
    """What the run of that key shows of its row: that or a replicate of it; None for what has not ended."""
    if row is None or row.state == "RUNNING":
        return None
    if key.seed is None:
        return row
    return next((each for each in replicate_rows(row) if each.seed == key.seed), None)


def _relabel(client: MlflowClient, run: Run, key: RunKey, row: Trial, wanted: Mapping[str, str]) -> None:
    has, run_id = run.data.tags, run.info.run_id
    new = [tag for tag in _differing(wanted, has) if tag.key != NOTE or NOTE not in has]
    number = [] if NUMBER in run.data.params else [Param(NUMBER, str(key.number))]
    if new or number:
        log(client, run_id, [*new, *number])
    for tag in _PASSING:
        if tag in has and tag not in wanted:
            client.delete_tag(run_id, tag)
    if run.info.run_name == key.name:  # an earlier version's
        client.update_run(run_id, name=fit(run_name(row), KEY))


def _differing(wanted: Mapping[str, str], has: Mapping[str, str]) -> list[Tag]:
    fitting = [Tag(key, value if key == PAGE else fit(value, TAG)) for key, value in wanted.items() if value]
    return [tag for tag in fitting if has.get(tag.key) != tag.value]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
