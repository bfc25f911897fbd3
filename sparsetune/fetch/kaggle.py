"""Data sets of Kaggle, through its own package."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path

from sparsetune.base.errors import BadInput

PREFIX = "kaggle:"
KEYS = ("KAGGLE_KEY", "KAGGLE_API_TOKEN")
_HANDLE = re.compile(r"[\w.-]+/([\w.-]+)(/versions/\d+)?")


def folder_of(handle: str) -> str:
    """The folder that ``OWNER/SET`` becomes; raises :class:`BadInput` for another form."""
    match = _HANDLE.fullmatch(handle)
    if match is None or match[1] in (".", ".."):
        raise BadInput(found=repr(handle), allowed="OWNER/SET", key=PREFIX.rstrip(":"))
    return match[1]


def download_kaggle(handle: str, into: Path) -> None:
    """All files of ``OWNER/SET``, unpacked; draws its own progress.

    Raises:
        BadInput: the package is missing, or whatever Kaggle or the network have against it.
    """
    if find_spec("kagglehub") is None:
        wanted = "wants the package kagglehub: pip install 'sparsetune[kaggle]'"
        raise BadInput(wanted, source=f"{PREFIX}{handle}", code="missing")
    import kagglehub

    try:
        kagglehub.dataset_download(handle, output_dir=str(into))
    except Exception as error:  # whatever its package and the network have against it
        said = str(error).strip().partition("\n")[0]
        for secret in filter(None, map(os.environ.get, KEYS)):
            said = said.replace(secret, "***")
        keys = "a set that is not public wants KAGGLE_USERNAME and KAGGLE_KEY, or ~/.kaggle/kaggle.json"
        problem = f"cannot be downloaded: {said[:300] or type(error).__name__}; {keys}"
        raise BadInput(problem, source=f"{PREFIX}{handle}", code="unavailable") from None
