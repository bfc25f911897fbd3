"""What a run in MLflow is called, and by which tags runs are filtered and grouped. Knows nothing of MLflow itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sparsetune.base.layout.short import short_names, value_text
from sparsetune.base.messages import Trial
from sparsetune.config.study.file import Objective
from sparsetune.config.study.winners import Winners
from sparsetune.tracking.answer import Answer
from sparsetune.tracking.notes import NOTE, of_run
from sparsetune.tracking.places import BEST, BROKEN, FRONT, METHOD, ROLE, Place
from sparsetune.tracking.subject import Subject

SOURCE, SOURCE_TYPE = "mlflow.source.name", "mlflow.source.type"
_LONGEST = 60  # characters of a name


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


def tags_of(subject: Subject, place: Place, row: Trial) -> dict[str, str]:
    """What is known of a run when it begins."""
    method = row.config.get("method", {}).get("name", "")
    role = {} if subject.name else {ROLE: "run"}
    return {METHOD: method, NOTE: of_run(subject, place, row), **role, **_source(subject)}


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


def winner_tags(objectives: Sequence[Objective], won: Winners) -> Mapping[Place, dict[str, str]]:
    """What rows of the front are tagged with: that they are on it, and in which objectives they are the best."""
    found: dict[Place, dict[str, str]] = {Place(row.number, row.branch): {FRONT: "true"} for row in won.front}
    for objective, row in zip(objectives, won.best, strict=False):
        tags = found.setdefault(Place(row.number, row.branch), {FRONT: "true"})
        tags[BEST] = ", ".join(filter(None, [tags.get(BEST), objective.metric]))
    return found


def _source(subject: Subject) -> dict[str, str]:
    return {SOURCE: subject.source, SOURCE_TYPE: "LOCAL"} if subject.source else {}
