"""Which code, versions and machine a number comes from."""

from __future__ import annotations

import functools
import hashlib
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from sparsetune.base.messages import OwnFile
from sparsetune.config.own import installed_versions

_PACKAGE = Path(__file__).resolve().parent.parent


def code_hash(imports: Sequence[OwnFile] = ()) -> str:
    """The first 12 digits of the SHA-256 over the source of ``training/``, ``sparsity/`` and the user's own files."""
    digest = _of_package()
    if imports:
        content = hashlib.sha256(digest.encode())
        for file in imports:
            content.update(hashlib.sha256(file.text.encode()).digest())
        digest = content.hexdigest()
    return digest[:12]


@functools.cache
def _of_package() -> str:
    digest = hashlib.sha256()
    for folder in ("sparsity", "training"):
        for path in sorted((_PACKAGE / folder).rglob("*.py")):
            digest.update(path.relative_to(_PACKAGE).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def environment(imports: Sequence[OwnFile] = ()) -> dict[str, str]:
    """What decides a trial's numbers beside its config: a change of these is worth a warning."""
    decisive = {"code": code_hash(imports), "torch": version("torch"), "packages": installed_versions()}
    return {name: value for name, value in decisive.items() if value}


def tags(folder: Path, imports: Sequence[OwnFile] = ()) -> dict[str, str]:
    """What a run is tagged with: versions, host, and the git commit of the project, if it is in a repository."""
    named = {
        **environment(imports),
        "sparsetune": version("sparsetune"),
        "python": platform.python_version(),
        "host": platform.node(),
    }
    try:
        asked = ["git", "rev-parse", "HEAD"]
        done = subprocess.run(asked, cwd=folder, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return named
    return {**named, "mlflow.source.git.commit": done.stdout.strip()}
