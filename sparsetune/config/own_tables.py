"""The tables by which a module of one's own registers: checked entry by entry, and added to the registries by value."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, TypeVar

from sparsetune.base.errors import BadInput, shown
from sparsetune.base.messages import OwnFile
from sparsetune.config.base import Part, phase_of
from sparsetune.config.metrics import Metric
from sparsetune.config.own import installed, module_of
from sparsetune.config.own_numbers import NUMBERS, check_numbers, kind_of, numbers_of
from sparsetune.config.registry import Registries

R = TypeVar("R", bound=Registries)


@dataclass(frozen=True)
class Table:
    """What the entries of a table have to be.

    Attributes:
        section: of a study file, and the registry's name.
        base: full name of the class that an entry derives from; its room is not imported here.
        config: full name of what its Config derives from.
    """

    section: str
    base: str
    config: str = f"{Part.__module__}.{Part.__qualname__}"


TABLES = {
    "METHODS": Table("method", "sparsetune.sparsity.method.Method"),
    "MODELS": Table("model", "sparsetune.models.contract.Model", "sparsetune.models.contract.ModelConfig"),
    "DATA": Table("data", "sparsetune.data.contract.DataSet", "sparsetune.data.config.DataConfig"),
    "SAMPLERS": Table("sampler", "sparsetune.search.samplers.contract.Sampler"),
    "PRUNERS": Table("pruner", "sparsetune.search.pruners.contract.Pruner"),
}
_ALL = (*TABLES, NUMBERS)


def with_packages(registries: R) -> R:
    """The registries with what installed packages register; raises :class:`BadInput` that names the module."""
    return _extended(registries, ((module.__name__, module) for module in installed()))


def with_files(registries: R, files: Iterable[OwnFile]) -> R:
    """The registries with what these files register.

    Raises:
        BadInput: for a table or entry that cannot be, or a name that exists already; names the file and the entry.
    """
    return _extended(registries, ((file.name, module_of(file)) for file in files))


def _extended(registries: R, modules: Iterable[tuple[str, ModuleType]]) -> R:
    for source, module in modules:
        try:
            registries = _with(registries, module)
        except BadInput as error:
            raise error.located(source=source) from None
    return registries


def _with(registries: R, module: ModuleType) -> R:
    tables = _tables(module)
    changes: dict[str, Any] = {}
    methods = tables.get("METHODS", {})
    for name, table in TABLES.items():
        for entry, cls in tables.get(name, {}).items():
            _check(f"{name}.{entry}", entry, cls, table)
    numbers = tables.get(NUMBERS, {})
    changes["metrics"] = {**registries.metrics, **numbers_of(numbers, methods, registries)}
    measures = {metric.name: function for metric, function in numbers.items() if function is not None}
    changes["measures"] = {**registries.measures, **measures}
    for name, table in TABLES.items():
        entries = tables.get(name, {})
        registry = getattr(registries, table.section, None)  # a worker has no samplers
        if registry is not None and entries:
            try:
                changes[table.section] = registry.extended(entries)
            except BadInput as error:
                raise error.located(key=name) from None
    for entry, method in methods.items():
        _check_method(f"METHODS.{entry}", method, changes["metrics"])
    return replace(registries, **changes)


def _tables(module: ModuleType) -> dict[str, Mapping[Any, Any]]:
    """The tables of a module, by name."""
    upper = {name: value for name, value in vars(module).items() if name.isupper() and not name.startswith("_")}
    for name, value in upper.items():
        near = difflib.get_close_matches(name, _ALL, n=1, cutoff=0.7)
        if name not in _ALL and isinstance(value, Mapping) and (near or any(map(_registers, value.items()))):
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise BadInput(f"unknown table{hint}", allowed=", ".join(_ALL), key=name, code="unknown")
    tables = {name: upper[name] for name in _ALL if name in upper}
    for name, table in tables.items():
        if not isinstance(table, Mapping):
            wanted = "metrics to functions or None" if name == NUMBERS else "names to classes"
            raise BadInput(found=kind_of(table), allowed=f"a mapping from {wanted}", key=name)
    if not tables:
        raise BadInput(f"registers nothing: it has none of the tables {', '.join(_ALL)}")
    return tables


def _registers(item: tuple[Any, Any]) -> bool:
    return isinstance(item[0], Metric) or (isinstance(item[1], type) and hasattr(item[1], "Config"))


def _check(key: str, name: Any, cls: Any, table: Table) -> None:
    if not isinstance(name, str) or not name.isprintable() or not name.strip():
        raise BadInput(found=shown(name), allowed="a name as study files have it", key=key)
    base = _ancestor(cls, table.base)
    if base is None:
        raise BadInput(found=kind_of(cls), allowed=f"a subclass of {table.base}", key=key)
    config = getattr(cls, "Config", None)
    if _ancestor(config, table.config) is None:
        raise BadInput(f"{kind_of(cls)} has no Config that derives from {table.config}", key=key)
    assert isinstance(config, type)
    assert issubclass(config, Part)
    check_signatures(key, cls, base)
    default = config.model_fields["name"].default
    if default != name:
        named = f"the name {default!r}" if isinstance(default, str) else "no name"
        line = f'name: Literal["{name}"] = "{name}"'
        raise BadInput(f"its Config has {named}", allowed=f"that of its key, as in {line}", key=key)


def _check_method(key: str, method: Any, metrics: Mapping[str, Metric]) -> None:
    check_numbers(key, method, metrics)
    phases = (*method.phases, "evaluation")
    for field in method.Config.model_fields:
        phase = phase_of(method.Config, field)
        if phase and phase not in phases:
            raise BadInput(found=f"phase {phase!r}", allowed=", ".join(phases), key=f"{key}.{field}")


def _ancestor(cls: Any, name: str) -> type | None:
    """The class of that full name that ``cls`` is or derives from; None also for what is no class."""
    line = cls.__mro__ if isinstance(cls, type) else ()
    return next((each for each in line if f"{each.__module__}.{each.__qualname__}" == name), None)


def check_signatures(key: str, cls: type, base: type) -> None:
    """Raise :class:`BadInput` for the first method of the class that does not take what that of its base takes.

    One for an earlier version often does not; class methods are compared without the class.
    """
    written = "was written for another version of sparsetune"
    for name, now in getattr(base, "former", {}).items():
        if callable(getattr(cls, name, None)):
            problem = f"{cls.__name__}.{name} {written}: what it was for is done by {now} now"
            raise BadInput(f"{problem}; {base.__name__} in {base.__module__} says how", key=key)
    for name, raw in vars(base).items():
        if not inspect.isfunction(raw) and not isinstance(raw, classmethod | staticmethod):
            continue
        own, wanted = getattr(cls, name), getattr(base, name)
        if not callable(own) or getattr(own, "__func__", own) is getattr(wanted, "__func__", wanted):
            continue
        taken = inspect.signature(wanted).parameters
        try:
            inspect.signature(own).bind(*taken)
        except TypeError:
            problem = (
                f"{cls.__name__}.{name}{inspect.signature(own)} {written}: this one calls {name}({', '.join(taken)})"
            )
            raise BadInput(f"{problem}; {base.__name__} in {base.__module__} says what that is", key=key) from None
