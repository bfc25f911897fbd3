"""What a run in MLflow is called, and by which tags runs are filtered and grouped. Knows nothing of MLflow itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sparsetune.config.messages import Trial
from sparsetune.config.study_file import Objective
from sparsetune.config.winners import Winners
from sparsetune.tracking.answer import Answer
from sparsetune.tracking.notes import NOTE, of_run
from sparsetune.tracking.places import BEST, BROKEN, FRONT, METHOD, ROLE, Place
from sparsetune.tracking.subject import Subject

SOURCE, SOURCE_TYPE = "mlflow.source.name", "mlflow.source.type"
_LONGEST = 60  # characters of a name
_WORD = 16  # characters of a value


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


def short_names(names: Iterable[str]) -> list[tuple[str, str]]:
    """Each dotted name with its last part, or as many as tell it from the others; ``method.name`` is ``method``."""
    parts = {name: name.removesuffix(".name").split(".") for name in names}
    found = []
    for name, own in parts.items():
        others = [each for other, each in parts.items() if other != name]
        count = next((n for n in range(1, len(own)) if all(each[-n:] != own[-n:] for each in others)), len(own))
        found.append((name, ".".join(own[-count:])))
    return found


def value_text(value: Any) -> str:
    """A value in few characters: two digits of a float."""
    text = f"{value:.2g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _WORD else f"{text[: _WORD - 1]}…"


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
    counted = {f"sparsetune.trials_{state.lower()}": str(count) for state, count in answer.counts.items()}
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
