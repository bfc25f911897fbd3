"""A folder of files that can be made again: when it is full, those that nobody has used for longest go."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

GB = 10**9
LIMIT_GB = 5.0


class Item(NamedTuple):
    """A file of the folder: its size, and when it was last used, in Unix seconds."""

    path: Path
    nbytes: int
    used: float


@dataclass(frozen=True)
class Shelf:
    """Several processes may use one at once: a file may go at any moment, and be there again.

    Attributes:
        limit: bytes that all files may take together.
    """

    folder: Path
    limit: int = int(LIMIT_GB * GB)

    def place(self, key: str) -> Path:
        """Where the file of that key lies, if it is there."""
        return self.folder / f"{key}.pt"

    def use(self, key: str) -> None:
        """The file of that key was used just now; raises ``OSError`` if it is not there."""
        os.utime(self.place(key))

    def items(self) -> list[Item]:
        """All files, those first that nobody has used for longest; what killed writers have left, too."""
        items = []
        with suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            for each in entries:
                with suppress(FileNotFoundError):
                    status = each.stat(follow_symlinks=False)
                    items.append(Item(Path(each.path), status.st_size, status.st_mtime))
        return sorted(items, key=lambda item: (item.used, item.path))

    def make_room(self, nbytes: int) -> bool:
        """Remove files until so many more bytes keep within the limit; False, and nothing goes, if they never will.

        The disk's last gigabyte is left to those who cannot do without.
        """
        items = self.items()
        total = sum(item.nbytes for item in items)
        most = min(self.limit, total + _free(self.folder) - GB)
        if nbytes > most:
            return False
        for item in items:
            if total + nbytes <= most:
                break
            item.path.unlink(missing_ok=True)
            total -= item.nbytes
        return True

    def unused_for(self, seconds: float) -> list[Item]:
        """The files that nobody has used for so long."""
        now = time.time()
        return [item for item in self.items() if now - item.used >= seconds]


def _free(folder: Path) -> int:
    """Bytes of the disk on which a folder is, or would be."""
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    return shutil.disk_usage(there).free
