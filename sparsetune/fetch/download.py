"""One file from the network, whole and checked, or one clear line; an archive is looked at before it is unpacked."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path, PurePosixPath

from sparsetune.base.errors import BadInput
from sparsetune.base.stores.proxies import through_proxy
from sparsetune.fetch.sources import File

Progress = Callable[[int, int], None]  # bytes so far, of how many (0: not known)
_BLOCK = 1 << 18  # bytes
_PATIENCE = 30  # seconds without an answer


def download(file: File, folder: Path, progress: Progress) -> Path:
    """The file in ``folder``, from the first address that has it as it should be.

    Raises:
        BadInput: none has; says why of each.
    """
    troubles = []
    for url in file.urls:
        try:
            return _from(url, file, folder, progress)
        except _Trouble as trouble:
            troubles.append(f"{url}: {trouble}")
    ask = "; is there a network?" if all("no connection" in trouble for trouble in troubles) else ""
    raise BadInput(f"cannot be downloaded: {'; '.join(troubles)}{ask}", source=file.name, code="unavailable")


class _Trouble(Exception):
    """Why an address did not serve."""


def _from(url: str, file: File, folder: Path, progress: Progress) -> Path:
    path = folder / file.name
    digest = hashlib.md5(usedforsecurity=False)
    request = urllib.request.Request(url, headers={"User-Agent": "sparsetune"})
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer, path.open("wb") as target:
            total, done = int(answer.headers.get("Content-Length") or 0), 0
            while block := _block(answer):
                target.write(block)
                digest.update(block)
                done += len(block)
                progress(done, total)
            target.flush()
            os.fsync(target.fileno())
    except urllib.error.HTTPError as error:
        raise _Trouble(f"answered {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise _Trouble(f"no connection ({_said(error.reason)}){through_proxy(url)}") from None
    except (HTTPException, TimeoutError, ConnectionError) as error:
        raise _Trouble(f"broke off ({_said(error)})") from None
    if digest.hexdigest() != file.md5:
        raise _Trouble(f"found MD5 {digest.hexdigest()}, wanted {file.md5}: cut off, or another file")
    return path


def _block(answer: HTTPResponse) -> bytes:
    """The next bytes; errors here are the network's, while those of writing are the disk's."""
    try:
        return answer.read(_BLOCK)
    except (HTTPException, OSError) as error:
        raise _Trouble(f"broke off ({_said(error)})") from None


def _said(reason: object) -> str:
    return str(getattr(reason, "strerror", None) or reason) or type(reason).__name__


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
        problem = f"is no archive that can be unpacked: {error}"
        raise BadInput(problem, source=archive.name, code="damaged") from None
    if not (into / folder).is_dir():
        raise BadInput(f"holds no folder {folder}", source=archive.name, code="damaged")
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
        problem = f"holds {member.name!r}, wanted plain files and folders in {folder}"
        raise BadInput(problem, source=archive.name, code="damaged")
    return path
