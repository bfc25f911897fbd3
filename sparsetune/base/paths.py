"""Where a project keeps what. The root is the nearest folder upward that has ``search_spaces/``."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from sparsetune.base.errors import BadInput, in_utf8
from sparsetune.base.messages import Key
from sparsetune.base.stores.sqlite import sqlite_url

CONFIG = "config.yaml"
FINAL = "final_results.json"
HISTORY = "history.jsonl"
RESULTS = "results.csv"
UNITS = "results.units.json"
WEIGHTS = "weights.safetensors"
TICKET = "ticket.safetensors"
MASKS = "masks.safetensors"  # bool tensors by parameter, of a network that is pruned
LAYERS = "layers.json"
TRACE = "trace.npz"
SURFACES = "surfaces.npz"  # what a network of two inputs says over all of them, and what is true there
ERROR_FILE = "error.txt"  # the traceback of what ended its job
CURVES = "curves.png"
CONTROLLER = "controller.png"
DENSITIES = "density_by_layer.png"
PIXELS = "input_pixels.png"
SURFACE = "surface.png"
LEVELS = "levels.png"
FRONT, ARMS = "front.png", "arms.png"  # of a study

TABLE = "results.json"  # of all results of a run that has several, as MLflow shows tables
ON_THE_WAY = "results"  # a folder with one for each of these but the last

ENDS = "ends"  # a folder beside a job's checkpoint: states that it still needs, by key
RECORD = "record.jsonl"  # beside a job's checkpoint: what its trainings have written down

FIGURES = (CURVES, CONTROLLER, DENSITIES, PIXELS, SURFACE, LEVELS)
LEFT = (
    CONFIG,
    FINAL,
    HISTORY,
    RESULTS,
    UNITS,
    TABLE,
    WEIGHTS,
    MASKS,
    TICKET,
    LAYERS,
    TRACE,
    SURFACES,
    *FIGURES,
    ERROR_FILE,
)


CACHE = "SPARSETUNE_CACHE"  # an environment variable: where this machine keeps what can be made again


def find_root(start: Path, *others: Path) -> Path:
    """The nearest ancestor of a file or folder that has ``search_spaces/``.

    Args:
        others: asked in turn where the one before has none, or a path that is not UTF-8.

    Raises:
        BadInput: why the last gives none.
    """
    try:
        return _nearest(in_utf8(start.resolve()))
    except BadInput:
        if not others:
            raise
    return find_root(*others)


def _nearest(start: Path) -> Path:
    for folder in (start, *start.parents):
        if (folder / "search_spaces").is_dir():
            return folder
    problem = "no folder upward from here has search_spaces/, the mark of a project's root"
    raise BadInput(problem, source=start, code="missing")


@dataclass(frozen=True)
class Project:
    """The files of one project; everything that a study leaves is under ``mlruns/``."""

    root: Path

    @property
    def runs(self) -> Path:
        return self.root / "mlruns"

    @property
    def storage_url(self) -> str:
        return sqlite_url(self.runs / "studies.db")

    @property
    def tracking_uri(self) -> str:
        return sqlite_url(self.runs / "mlflow.db")

    @property
    def artifacts(self) -> Path:
        return self.runs / "artifacts"

    @property
    def shelf(self) -> Path:
        """Ends of stages that trials have in common; they can be trained again."""
        return self.runs / "shelf"

    def trials(self, study: str, uid: str) -> Path:
        return self.runs / "checkpoints" / f"{slug(study)}-{uid}"


def cache_root() -> Path:
    """SPARSETUNE_CACHE, else ``sparsetune`` in XDG_CACHE_HOME, else ``~/.cache/sparsetune``."""
    if named := os.environ.get(CACHE):
        return Path(in_utf8(named, key=CACHE)).expanduser().absolute()
    return in_utf8(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute()) / "sparsetune"


def made(folder: Path) -> Path:
    """The folder, created if need be; raises :class:`BadInput` where nothing can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reason = why_no_files(folder)
    except OSError as error:
        reason = str(error.strerror)
    if reason:
        raise BadInput(f"nothing can be written there: {reason}", source=folder, code="unavailable")
    return folder


def why_no_files(folder: Path) -> str:
    """What keeps new files out of a folder that should be there, in the system's words; empty if nothing does."""
    return why_unwritable(folder) if folder.is_dir() else os.strerror(errno.ENOTDIR)


def why_unwritable(path: Path) -> str:
    """The same of a file or folder that is there."""
    if os.access(path, os.W_OK | os.X_OK if path.is_dir() else os.W_OK):
        return ""
    return os.strerror(errno.EROFS if os.statvfs(path).f_flag & os.ST_RDONLY else errno.EACCES)


def run_folder(folder: Path, key: Key, runs: int) -> Path:
    """Where a run of a trial leaves its files: the trial's folder, or one within it if the trial has several."""
    return folder if runs == 1 else folder / slug(f"seed {key.seed} {key.branch}".strip())


def slug(name: str) -> str:
    """A folder name for any printable name, of at most 250 bytes; two names never share one."""
    plain = re.sub(r"[^\w.-]+", "_", name).strip("._")
    if plain == name and len(name.encode()) <= 200 and not re.search(r"-[0-9a-f]{8}$", name):
        return name
    return f"{plain[:60]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
