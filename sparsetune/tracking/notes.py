"""Descriptions of runs and of a study, in Markdown. Knows nothing of MLflow but the tag in which it looks for one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from sparsetune.base.layout.text import heading, measured, number, short_names
from sparsetune.base.messages import SAME_AS, Trial
from sparsetune.config.study.constraints import held
from sparsetune.config.study.reading import how_to_read, which_one
from sparsetune.tracking.run_keys import RunKey
from sparsetune.tracking.subject import Answer, Subject, drawn, table_columns

NOTE = "mlflow.note.content"
FRONT_FILE = "front.json"  # of a study's own run: the winners as a table
_MOST_ROWS = 15


def of_run(subject: Subject, key: RunKey, row: Trial) -> str:
    """What was trained, what its study asks, and how to train it again."""
    said = [_trained(subject, key, row)]
    if subject.name:
        varied = [[_code(name), number(value, 6)] for name, value in row.params.items()]
        said += [f"The study asks for {subject.asks}.", _again(subject, key, row), _table(["varies", "value"], varied)]
    elif subject.source:
        said += [_commands(subject, [["run", subject.source]])]
    return "\n\n".join(filter(None, said))


def of_study(subject: Subject, answer: Answer) -> str:
    """A study's answer: how many trials, the winners as a table, how to read it, which one to take."""
    counts, front = answer.counts, answer.won.front
    trials = ", ".join(f"{count} {state.lower()}" for state, count in counts.items() if count) or "no trials"
    said = [f"**{_code(subject.name)}** asks for {subject.asks}: {trials}."]
    if front:
        several = len(subject.objectives) > 1
        said.append(f"### {'Pareto front: the best trade-offs' if several else 'Best trial'}")
        said.append(_table(*front_table(subject, front[:_MOST_ROWS])))
        if several:
            said += [*how_to_read(subject.objectives, front).split("\n"), which_one(subject.objectives, front)]
        name = _own_line(["best", subject.name, "--trial", str(front[0].number), *_branch(front[0].branch)])
        said.append(f"The first one's config, which `sparsetune run` trains again:\n\n    {name} > trial.yaml")
    elif counts.get("COMPLETE"):
        said.append("No trial may win.")
    said += held(subject.constraints, answer.rows)
    return "\n\n".join(said)


def front_table(subject: Subject, front: Sequence[Trial]) -> tuple[list[str], list[list[str]]]:
    """Headings and cells of the winners: number, branch, metrics with standard errors, parameters by short names.

    MLflow looks for what stands behind a dot of a heading inside a cell.
    """
    metrics, params = table_columns(subject, front), drawn(front)
    branch = ["branch"] if any(row.branch for row in front) else []
    cells = [
        [
            str(row.number),
            *([row.branch] if branch else []),
            *(measured(row.metrics.get(name), row.errors.get(name), 4) for name in metrics),
            *(number(row.params.get(name), 4) for name in params),
        ]
        for row in front
    ]
    return ["trial", *branch, *metrics, *(short.replace(".", " ") for _, short in short_names(params))], cells


def _trained(subject: Subject, key: RunKey, row: Trial) -> str:
    config = row.config
    method, data, model = (_code(config.get(part, {}).get("name", "")) for part in ("method", "data", "model"))
    what = f"method {method} on {data} with model {model}"
    seeds = sorted({run.key.seed for run in row.runs})
    if len(seeds) > 1:
        seed = f"seeds {', '.join(map(str, seeds))}: numbers are means, those ending in `_se` their standard errors"
    else:
        seed = f"seed {config.get('seed', 0)}"
    of = f"Trial {key.number}{f' {_code(key.branch)}' if key.branch else ''} of study {_code(subject.name)}: "
    same = f" Its results are those of {row.notes[SAME_AS]}, a trial like it." if SAME_AS in row.notes else ""
    return f"{of if subject.name else ''}{what}, {seed}.{same}"


def _again(subject: Subject, key: RunKey, row: Trial) -> str:
    file = re.sub(r"[^a-zA-Z0-9.-]+", "_", f"trial_{' '.join(filter(None, [str(key.number), key.branch]))}.yaml")
    keep = ["best", subject.name, "--trial", str(key.number), *_branch(key.branch)]
    seed = ["--set", f"seed={row.config['seed']}"] if key.seed is not None else []
    own = [word for name in subject.imports for word in ("--import", name)]
    return _commands(subject, [keep, ["run", file, *seed, *own]], into=file)


def _commands(subject: Subject, lines: Sequence[Sequence[str]], into: str = "") -> str:
    """Command lines to paste; the first one's output goes ``into`` a file."""
    shown = [_own_line(words) for words in lines]
    if into:
        shown[0] += f" > {shlex.quote(into)}"
    return "Train it again, in the project's folder:\n\n" + "\n".join(f"    {line}" for line in shown)


def _own_line(words: Sequence[str]) -> str:
    return shlex.join(["sparsetune", *words])


def _branch(name: str) -> list[str]:
    return ["--branch", name] if name else []


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Empty where there are no rows."""
    if not rows:
        return ""
    lines = [map(heading, names), ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


def _code(text: str) -> str:
    """As code, so that no letter of it is taken for Markdown."""
    fence = "`" * (1 + max((len(each) for each in re.findall("`+", text)), default=0))
    return f"{fence}{text}{fence}" if len(fence) == 1 else f"{fence} {text} {fence}"
