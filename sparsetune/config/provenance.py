"""Which code, versions and machine a number comes from."""

from __future__ import annotations

import functools
import hashlib
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


@functools.cache
def code_hash() -> str:
    """The first 12 digits of the SHA-256 over the source of ``training/`` and ``sparsity/``."""
    digest = hashlib.sha256()
    for folder in ("sparsity", "training"):
        for path in sorted((_PACKAGE / folder).rglob("*.py")):
            digest.update(path.relative_to(_PACKAGE).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def environment() -> dict[str, str]:
    """What decides a trial's numbers beside its config: a change of these is worth a warning."""
    return {"code": code_hash(), "torch": version("torch")}


def tags(folder: Path) -> dict[str, str]:
    """What a run is tagged with: versions, host, and the git commit of the project, if it is in a repository."""
    found = {
        **environment(),
        "sparsetune": version("sparsetune"),
        "python": platform.python_version(),
        "host": platform.node(),
    }
    commit = _git_commit(folder)
    return {**found, "mlflow.source.git.commit": commit} if commit else found


def _git_commit(folder: Path) -> str:
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
