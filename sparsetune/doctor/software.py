"""Python and the packages, against the ranges in SparseTune's own metadata. Imports none of them."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from sparsetune.base.paths import Project
from sparsetune.doctor.finding import Finding

SHOWN = ("torch", "ray", "optuna", "mlflow")
_NAME = "sparsetune"


def python(project: Project | None) -> Iterator[Finding]:
    """The interpreter's version."""
    here = platform.python_version()
    try:
        wanted = metadata(_NAME)["Requires-Python"] or ""
    except PackageNotFoundError:
        wanted = ""  # `packages` says so
    if SpecifierSet(wanted).contains(here, prereleases=True):
        yield Finding("ok", "Python", here)
    else:
        yield Finding("problem", "Python", f"{here}, wanted {wanted}", "make a new environment with such a Python")


def packages(project: Project | None) -> Iterator[Finding]:
    """The versions of what SparseTune is built on; a problem for each that is missing or out of range."""
    try:
        lines = requires(_NAME) or []
    except PackageNotFoundError:
        yield Finding("note", "packages", "SparseTune is not installed, so their ranges are not known", "pip install .")
        return
    wanted = [each for each in map(Requirement, lines) if each.marker is None or each.marker.evaluate()]
    here = {each.name: installed(each.name) for each in wanted}
    misfits = [each for each in wanted if not fits(each, here[each.name])]
    for each in misfits:
        has = here[each.name] or "not installed"
        mend = f"pip install {shlex.quote(f'{each.name}{each.specifier}')}"
        yield Finding("problem", "packages", f"{each.name}: {has}, wanted {each.specifier}", mend)
    if not misfits:
        yield Finding("ok", "packages", ", ".join(f"{name} {here[name]}" for name in SHOWN if name in here))


def fits(wanted: Requirement, version: str | None) -> bool:
    """Whether a version (None: there is none) is in range; 2.11.0+cpu is 2.11.0."""
    return version is not None and wanted.specifier.contains(version, prereleases=True)


def installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
