"""A file of a run that a command means by a path: the file itself, or the folder that has it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from sparsetune.base.errors import BadInput
from sparsetune.cli.where import storage_url


def refuse_without_trial(branch: str, seed: int | None, uri: str | None) -> None:
    """Raise :class:`BadInput` for options that say which run of a trial is meant, where none is named."""
    for option, value in {"--branch": branch or None, "--seed": seed, "--uri": uri}.items():
        if value is not None:
            problem = "without --trial, which it belongs to"
            raise BadInput(problem, key=option, found=repr(value), code="conflict")


def on_disk(named: str, name: str, root: Path | None, storage: str | None) -> Path:
    """The file that is meant; raises :class:`BadInput` where there is none, with a hint where a study is called so.

    Args:
        named: its path, or that of a folder
        name: in which it is called so.
    """
    path = Path(named)
    file = path / name if path.is_dir() else path
    if file.exists():
        return file
    from sparsetune.search.storage import study_names

    names: list[str] = []
    with suppress(BadInput):  # there need not be a project
        names = study_names(storage_url(root, storage))
    if named in names:
        raise BadInput(f"missing: which trial of study {named!r}", key="--trial", code="missing")
    problem = f"there is no {name} in it" if path.is_dir() else "no such file or study"
    raise BadInput(problem, source=named, code="missing")
