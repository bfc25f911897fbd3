"""The image files below a folder that has one folder for each class, and what the names in it say."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sparsetune.base.errors import BadInput

_TORCHVISIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")  # its ImageFolder's
_ALSO_JPEG = (".jfif", ".jpe", ".jif", ".pjpeg", ".pjp")
ENDINGS = frozenset((*_TORCHVISIONS, *_ALSO_JPEG))
"""Of images that are read."""

_NOT_READ = """
    gif apng avif heic heics heif heifs hif jp2 j2k jpf jpx jpm jpc jxl jxr svg svgz tga ico icns cur pbm pnm pam pfm
    dib eps psd psb xcf dds exr hdr sgi pcx xbm xpm qoi fits fit fts dcm dicom nii mha nrrd czi svs ndpi djvu
    dng cr2 cr3 nef arw orf rw2 raf pef srw raw
"""
OTHERS = frozenset(f".{kind}" for kind in _NOT_READ.split())
"""Of images that are not."""

_SYSTEMS = {
    "__macosx",  # of archives made on a Mac
    "@eadir", "@tmp", "#recycle", "#snapshot", "@recycle", "@recently-snapshot",  # of file servers
    "lost+found", "$recycle.bin", "system volume information",
}  # fmt: skip
_SPLITS = {"train", "val", "valid", "validation", "test"}
_KEPT = 8  # listings

_File = tuple[str, str, int, int]  # folder below the root, file, bytes, time of the last change in nanoseconds
_Stamps = tuple[tuple[str, int], ...]
_listed: dict[Path, tuple[_Stamps, Listing]] = {}


def is_no_users(name: str) -> bool:
    """Hidden, or left by an archiver, a file server or an operating system: what is there are copies, no samples."""
    return name.startswith(".") or name.lower() in _SYSTEMS


@dataclass(frozen=True)
class Listing:
    """Images in the order of torchvision's ImageFolder: by class, by folder, by name.

    Attributes:
        names: of the files, from ``root``.
        labels: of each file, a position in ``classes``.
        digest: of names, sizes and times: another one after any change.
        passed_over: how many files of each type of image that is not read lie among them.
    """

    root: Path
    classes: tuple[str, ...]
    names: tuple[str, ...]
    labels: tuple[int, ...]
    digest: str
    passed_over: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)


def list_images(root: Path, key: str, *, anew: bool = False) -> Listing:
    """One walk over the tree. In one process again only once a file came or went, or where it is asked for ``anew``:
    a file whose content alone was changed is not seen otherwise.

    Raises:
        BadInput: names the folder: not there, without classes, or with a class that has no image.
    """
    stamps, listing = _listed.pop(root, ((), None))
    if anew or listing is None or not _as_before(stamps):
        try:
            stamps, listing = _walked(root)
        except OSError as error:
            raise _unreadable(error, root, key) from None
        except BadInput as error:
            raise error.located(source=root, key=key) from None
    _listed[root] = stamps, listing
    while len(_listed) > _KEPT:
        del _listed[next(iter(_listed))]
    return listing


def all_files(root: Path, key: str) -> list[_File]:
    """Every file below a folder; raises :class:`BadInput` where it cannot be read."""
    files: list[_File] = []
    try:
        _below(root, ".", files, [])
    except OSError as error:
        raise _unreadable(error, root, key) from None
    return sorted(files)


def _unreadable(error: OSError, root: Path, key: str) -> BadInput:
    return BadInput(f"cannot be read: {error.strerror}", source=error.filename or root, key=key, code="unavailable")


def _walked(root: Path) -> tuple[_Stamps, Listing]:
    with os.scandir(root) as inside:
        classes = tuple(sorted(each.name for each in inside if each.is_dir() and not is_no_users(each.name)))
    if not classes:
        raise BadInput("found no folder in it, wanted one for each class", code="missing")
    if len(classes) > 1 and _SPLITS.issuperset(name.lower() for name in classes):
        raise BadInput(f"found {', '.join(classes)} in it, wanted one folder for each class; name each split by itself")
    names: list[str] = []
    labels: list[int] = []
    stamps = [(str(root), root.stat().st_mtime_ns)]
    digest = hashlib.sha256()
    passed: Counter[str] = Counter()
    empty = []
    for label, name in enumerate(classes):
        files: list[_File] = []
        _below(root, name, files, stamps, passed)
        files.sort()
        empty += [] if files else [name]
        own = [f"{folder}/{file}" for folder, file, _, _ in files]
        names += own
        labels += [label] * len(files)
        digest.update(os.fsencode("\n".join(["", *own])))
        digest.update(np.array([numbers for _, _, *numbers in files], "<i8").tobytes())
    if empty:
        shown = ", ".join(map(repr, empty[:3])) + (f" and {len(empty) - 3} more" if len(empty) > 3 else "")
        classes_are = "class folder is" if len(empty) == 1 else "class folders are"
        others = f"; types that are not read: {types(passed)}" if passed else ""
        raise BadInput(
            f"{len(empty)} of {len(classes)} {classes_are} without an image: {shown}{others}", code="missing"
        )
    return tuple(stamps), Listing(root, classes, tuple(names), tuple(labels), digest.hexdigest(), passed)


def types(counted: Mapping[str, int]) -> str:
    """Endings with their numbers, the most frequent first."""
    ordered = sorted(counted.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{count:,} {ending}" for ending, count in ordered)


def _below(
    root: Path, folder: str, files: list[_File], stamps: list[tuple[str, int]], passed: Counter[str] | None = None
) -> None:
    """Collect the files below a folder.

    Args:
        passed: counts images of types that are not read; only images are collected then, and what is no user's is
            left out. None: every file is.
    """
    path = f"{root}/{folder}"
    stamps.append((path, Path(path).stat().st_mtime_ns))
    with os.scandir(path) as inside:
        for each in inside:
            if passed is not None and is_no_users(each.name):
                continue
            ending = Path(each.name).suffix.lower()
            if (passed is None or ending in ENDINGS) and each.is_file():
                status = each.stat()
                files.append((folder, each.name, status.st_size, status.st_mtime_ns))
            elif each.is_dir():
                _below(root, f"{folder}/{each.name}", files, stamps, passed)
            elif passed is not None and ending in OTHERS:
                passed[ending] += 1


def _as_before(stamps: _Stamps) -> bool:
    try:
        return all(Path(path).stat().st_mtime_ns == changed for path, changed in stamps)
    except OSError:
        return False
