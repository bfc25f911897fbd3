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
    found = _HANDLE.fullmatch(handle)
    if found is None or found[1] in (".", ".."):
        raise BadInput(f"found {handle!r}, allowed: OWNER/SET", key=PREFIX.rstrip(":"))
    return found[1]


def download_kaggle(handle: str, into: Path) -> None:
    """All files of ``OWNER/SET``, unpacked; draws its own progress.

    Raises:
        BadInput: the package is missing, or whatever Kaggle or the network have against it.
    """
    if find_spec("kagglehub") is None:
        raise BadInput("wants the package kagglehub: pip install 'sparsetune[kaggle]'", source=f"{PREFIX}{handle}")
    import kagglehub

    try:
        kagglehub.dataset_download(handle, output_dir=str(into))
    except Exception as error:  # whatever its package and the network have against it
        said = _without_keys(str(error).strip().partition("\n")[0])[:300] or type(error).__name__
        keys = "; a set that is not public wants KAGGLE_USERNAME and KAGGLE_KEY, or ~/.kaggle/kaggle.json"
        raise BadInput(f"cannot be downloaded: {said}{keys}", source=f"{PREFIX}{handle}") from None


def _without_keys(text: str) -> str:
    for name in KEYS:
        if os.environ.get(name):
            text = text.replace(os.environ[name], "***")
    return text
