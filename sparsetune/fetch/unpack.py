"""Archives: what they hold is looked at before anything is written."""

from __future__ import annotations

import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from sparsetune.base.errors import BadInput


def unpack(archive: Path, into: Path, folder: str) -> Path:
    """The ``folder`` that a .tar.gz holds, below ``into``; plain files and folders only, with no rights of their own.

    Raises:
        BadInput: the archive is broken, or holds anything else.
    """
    try:
        with tarfile.open(archive, "r:gz") as opened:
            for member in opened:
                target = into / _checked(member, folder, archive)
                if member.isdir():
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                content = opened.extractfile(member)
                assert content is not None
                with content, target.open("xb") as file:
                    shutil.copyfileobj(content, file, 1 << 20)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise BadInput(f"is no archive that can be unpacked: {error}", source=archive.name) from None
    if not (into / folder).is_dir():
        raise BadInput(f"holds no folder {folder}", source=archive.name)
    return into / folder


def _checked(member: tarfile.TarInfo, folder: str, archive: Path) -> PurePosixPath:
    """The member's path; raises :class:`BadInput` for one that leads elsewhere, and for links and devices."""
    path = PurePosixPath(member.name)
    if (
        path.is_absolute()
        or ".." in path.parts
        or path.parts[:1] != (folder,)
        or not (member.isreg() or member.isdir())
    ):
        raise BadInput(f"holds {member.name!r}, wanted plain files and folders in {folder}", source=archive.name)
    return path
