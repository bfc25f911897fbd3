"""Why trials failed, in few lines: reasons that differ in numbers only are one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sparsetune.base.layout.text import number
from sparsetune.base.messages import Trial

_NUMBER = re.compile(r"(?<![\w.,/-])-?\d{1,18}(?:\.\d+)?(?:e[+-]?\d+)?(?![\w/]|[.,-]\w)")  # none that is part of a name


def alike(failed: Iterable[Trial]) -> list[tuple[str, list[Trial]]]:
    """What trials failed of, each with its trials, the commonest first; of a number that differs the range."""
    groups: dict[tuple[str, ...], list[Trial]] = {}  # by what stands between the numbers
    for trial in failed:
        groups.setdefault(tuple(_NUMBER.split(_reason(trial))), []).append(trial)
    ordered = sorted(groups.values(), key=lambda group: -len(group))
    return [(_together([_reason(trial) for trial in group]), group) for group in ordered]


def _reason(trial: Trial) -> str:
    return " ".join((trial.reason or "no reason given").split())


def _together(reasons: Sequence[str]) -> str:
    """One text of reasons that are alike."""
    ranges = map(_range, zip(*map(_NUMBER.findall, reasons), strict=True))
    return _NUMBER.sub(lambda _: next(ranges), reasons[0])


def _range(found: Sequence[str]) -> str:
    """``0.797 to 0.897``; as it stands there if all are the same."""
    if len(set(found)) == 1:
        return found[0]
    values = [int(each) if re.fullmatch(r"-?\d+", each) else float(each) for each in found]
    return " to ".join(dict.fromkeys(number(value, 3) for value in (min(values), max(values))))
