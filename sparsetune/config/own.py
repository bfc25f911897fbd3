"""Files of the user's own that register methods, models and so on, and packages that do: from text to a module.

A file is imported from its text, which is the same in the driver and in every worker, wherever the file lies. Its
module is named by what it says, so that two versions of one file do not mix in a process that has seen both.
"""

from __future__ import annotations

import hashlib
import linecache
import re
import sys
import traceback
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from importlib.util import decode_source, find_spec
from pathlib import Path
from threading import RLock
from types import ModuleType

from sparsetune.base.errors import BadInput, shown
from sparsetune.base.messages import OwnFile

GROUP = "sparsetune"  # of the entry points of packages that bring something
KEY = "import"  # of a study file
_LOCK = RLock()


def read_own(paths: Sequence[str], folder: Path, source: object) -> tuple[OwnFile, ...]:
    """The files that a study names, each imported once to see that it can be.

    Args:
        paths: as the study file has them, relative to ``folder``.
        source: the study file.

    Raises:
        BadInput: a file that is missing, twice there, no Python, or raises while it is imported.
    """
    files = []
    for number, path in enumerate(paths):
        key = f"{KEY}.{number}"
        if (folder / path).resolve() in [(folder / each).resolve() for each in paths[:number]]:
            raise BadInput(f"{path!r} stands twice", source=source, key=key, code="conflict")
        file = OwnFile(path, _text(folder / path, path, source, key))
        try:
            module_of(file)
        except BadInput as error:
            raise error.at(source=folder / path) from error.__cause__
        files.append(file)
    return tuple(files)


def _text(file: Path, path: str, source: object, key: str) -> str:
    if file.suffix != ".py":
        raise BadInput(found=shown(path), allowed="Python files (.py)", source=source, key=key)
    try:
        return decode_source(file.read_bytes())
    except OSError as error:
        reason = f"no such file in {file.parent}" if isinstance(error, FileNotFoundError) else f"{error.strerror}"
        raise BadInput(reason, found=shown(path), source=source, key=key, code="unavailable") from None
    except (SyntaxError, UnicodeDecodeError) as error:  # of its encoding
        raise BadInput(f"no text: {error}", source=file, code="damaged") from None


def module_of(file: OwnFile) -> ModuleType:
    """The module that a file makes, imported once in a process.

    Raises:
        BadInput: with the line of the file that raised; the exception itself is the cause.
    """
    digest = digest_of(file)
    stem = re.sub(r"\W", "_", Path(file.name).stem)
    name = f"sparsetune_own_{stem}_{digest}"
    with _LOCK:
        if name not in sys.modules:
            sys.modules[name] = _executed(file, name, f"{file.name} ({digest[:8]})")
        return sys.modules[name]


def digest_of(file: OwnFile) -> str:
    """The first 16 digits of the SHA-256 of its text."""
    return hashlib.sha256(file.text.encode()).hexdigest()[:16]


def _executed(file: OwnFile, name: str, shown_as: str) -> ModuleType:
    module = ModuleType(name)
    module.__file__ = shown_as
    linecache.cache[shown_as] = (len(file.text), None, file.text.splitlines(keepends=True), shown_as)
    sys.modules[name] = module  # dataclasses and pydantic look there for the names in annotations
    try:
        exec(compile(file.text, shown_as, "exec", dont_inherit=True), module.__dict__)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise BadInput(_line(error, shown_as), source=file.name) from error
    return module


def _line(error: BaseException, shown_as: str) -> str:
    """What went wrong, after the last line of the file that had a part in it."""
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError) and error.filename == shown_as:
        return f"line {error.lineno}: {type(error).__name__}: {error.msg}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == shown_as]
    return f"line {lines[-1]}: {said}" if lines else said


@cache
def installed() -> tuple[ModuleType, ...]:
    """The modules that installed packages name in the entry points of the group ``sparsetune``, in order of names.

    Raises:
        BadInput: names the package whose module cannot be imported.
    """
    modules = []
    for point in _points():
        try:
            module = point.load()
        except Exception as error:
            problem = f"its entry point {point.value!r} cannot be loaded: {type(error).__name__}: {error}"
            raise BadInput(problem, source=f"package {_package(point)}") from error
        if not isinstance(module, ModuleType):
            problem = f"its entry point {point.value!r} is no module"
            raise BadInput(problem, source=f"package {_package(point)}")
        modules.append(module)
    return tuple(modules)


@cache
def installed_versions() -> str:
    """What installed packages bring, in words that change with it: ``package version digest``; nothing is imported."""
    return ", ".join(f"{_package(point)} {_digest(point.module)}" for point in _points())


def _points() -> list[metadata.EntryPoint]:
    return sorted(metadata.entry_points(group=GROUP), key=lambda point: (point.name, point.value))


def _package(point: metadata.EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.name


def _digest(module: str) -> str:
    """8 digits of the SHA-256 of a module's source, which an editable installation changes under one version."""
    try:
        spec = find_spec(module)
    except ImportError:
        spec = None
    content = Path(spec.origin).read_bytes() if spec is not None and spec.has_location and spec.origin else b""
    return hashlib.sha256(content).hexdigest()[:8]
