"""What may vary: a flat map from a dotted name in the trial config to a range or a choice.

A space is drawn in one fixed order (conditions after what they ask for), by a function that is handed in: Optuna's
suggestions in a study, the ends of each range when a file is checked.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparsetune.config.base import Model
from sparsetune.config.checking import check_model
from sparsetune.config.errors import BadInput, shown, unknown
from sparsetune.config.parameters import Choice, Float, Int, Parameter
from sparsetune.config.yaml_io import read_mapping

_CORNER_CAP = 4096


Chooser = Callable[[str, Parameter], Any]


@dataclass(frozen=True)
class Space:
    """Parameters in the order in which they are drawn."""

    parameters: Mapping[str, Parameter]
    sources: Mapping[str, str]  # the file that each name was written in

    def without(self, names: Mapping[str, Any]) -> Space:
        """The space with the pinned names taken out."""
        return Space({n: p for n, p in self.parameters.items() if n not in names}, self.sources)

    def plain(self) -> dict[str, Any]:
        """The space as it would be written in a file."""
        return {name: _written(parameter) for name, parameter in self.parameters.items()}


def draw(space: Space, base: Mapping[str, Any], choose: Chooser) -> dict[str, Any]:
    """One point of the space, by dotted name.

    Args:
        base: the flat trial config that the space varies; conditions on names that do not vary look here.
        choose: gives the value for a name and its parameter.
    """
    values: dict[str, Any] = {}
    for name, parameter in space.parameters.items():
        if all(_matches(values.get(k, base.get(k)), wanted) for k, wanted in parameter.when.items()):
            values[name] = choose(name, parameter)
    return values


def corners(space: Space, base: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Points to be tried against the config's checks: every end of every range, then combinations, 4,096 at most."""
    ends = {name: parameter.ends for name, parameter in space.parameters.items()}
    seen = set()
    single = ({name: end, **_asked_for(name, space)} for name in ends for end in ends[name])
    combined = (dict(zip(ends, each, strict=True)) for each in itertools.product(*ends.values()))
    low = {name: each[0] for name, each in ends.items()}
    for some in itertools.chain(single, itertools.islice(combined, _CORNER_CAP)):
        at = {**low, **some}
        point = draw(space, base, lambda name, _, at=at: at[name])  # type: ignore[misc]
        identity = repr(point)
        if identity not in seen:
            seen.add(identity)
            yield point


def _asked_for(name: str, space: Space) -> dict[str, Any]:
    """Values of other parameters with which ``name`` is drawn."""
    values: dict[str, Any] = {}
    for needed, wanted in space.parameters[name].when.items():
        if needed in space.parameters:
            values[needed] = wanted[0] if isinstance(wanted, list) and wanted else wanted
            values.update(_asked_for(needed, space))
    return values


def load_space(spec: Any, *, folder: Path, source: str) -> Space:
    """The space that ``spec`` names (``ast_pi``), lists (``[ast_pi, optimizer]``) or writes in place.

    Args:
        folder: ``search_spaces/`` of the project.
        source: the file in which ``spec`` stands.
    """
    written: dict[str, Any] = {}
    sources: dict[str, str] = {}
    _collect(spec, folder, source, written, sources, ())
    parameters = {name: _parameter(name, entry, sources[name]) for name, entry in written.items()}
    return Space(_in_order(parameters, sources), sources)


def _collect(
    spec: Any, folder: Path, source: str, written: dict[str, Any], sources: dict[str, str], trail: tuple[str, ...]
) -> None:
    """Gather entries depth first; what is written later, or nearer, replaces what was included."""
    if spec is None:
        return
    if isinstance(spec, str):
        path = folder / f"{spec.removesuffix('.yaml')}.yaml"
        if str(path) in trail:
            raise BadInput(f"includes itself: {' -> '.join([*trail, str(path)])}", source=source, key="include")
        if not path.exists():
            names = [file.stem for file in folder.glob("*.yaml")]
            raise BadInput(unknown("search space", spec, names), source=source, key="include" if trail else "space")
        _collect(read_mapping(path), folder, str(path), written, sources, (*trail, str(path)))
    elif isinstance(spec, list):
        for part in spec:
            _collect(part, folder, source, written, sources, trail)
    elif isinstance(spec, dict):
        _collect(spec.get("include"), folder, source, written, sources, trail)
        for name, entry in spec.items():
            if name != "include":
                written[name] = entry
                sources[name] = source
    else:
        problem = f"found {shown(spec)}, allowed: a name, a list of names, or a mapping"
        raise BadInput(problem, source=source, key="include" if trail else "space")


_KINDS: dict[str, type[Model]] = {"float": Float, "int": Int, "choice": Choice}


def _parameter(name: str, entry: Any, source: str) -> Any:
    kinds = [kind for kind in _KINDS if isinstance(entry, dict) and kind in entry]
    if len(kinds) != 1:
        raise BadInput(
            f"found {shown(entry)}, allowed: {{float: [low, high]}}, {{int: [low, high]}} or {{choice: [...]}}",
            source=source, key=name,
        )  # fmt: skip
    kind = kinds[0]
    options = {key: value for key, value in entry.items() if key != kind}
    allowed = ("when",) if kind == "choice" else ("log", "step", "when")
    for key in options:
        if key not in allowed:
            raise BadInput(unknown("key", str(key), (kind, *allowed)), source=source, key=f"{name}.{key}")
    what = entry[kind]
    if not isinstance(what, list) or (kind != "choice" and len(what) != 2):
        allowed_ends = "a list of values" if kind == "choice" else "[low, high]"
        raise BadInput(f"found {shown(what)}, allowed: {allowed_ends}", source=source, key=f"{name}.{kind}")
    ends = {"values": what} if kind == "choice" else {"low": what[0], "high": what[1]}
    try:
        return check_model(_KINDS[kind], {**ends, **options}, source=source, key=name)
    except BadInput as error:  # "values", "low" and "high" are our words, not the file's
        inside = error.key.removeprefix(f"{name}.").partition(".")[0]
        raise BadInput(error.problem, source=source, key=f"{name}.{kind}" if inside in ends else error.key) from None


def _in_order(parameters: dict[str, Any], sources: dict[str, str]) -> dict[str, Parameter]:
    """As written, but for conditions, which come after what they ask for."""
    ordered: dict[str, Parameter] = {}

    def place(name: str, waiting: tuple[str, ...]) -> None:
        if name in waiting:
            raise BadInput(
                f"depends on itself: {' -> '.join([*waiting, name])}", source=sources[name], key=f"{name}.when"
            )
        for needed in parameters[name].when:
            if needed in parameters:
                place(needed, (*waiting, name))
        ordered.setdefault(name, parameters[name])

    for name, parameter in parameters.items():
        _check_conditions(name, parameter, parameters, sources[name])
    for name in parameters:
        place(name, ())
    return ordered


def _check_conditions(name: str, parameter: Parameter, parameters: Mapping[str, Parameter], source: str) -> None:
    """A condition on another parameter must name values that it can have."""
    for needed, wanted in parameter.when.items():
        key = f"{name}.when.{needed}"
        other = parameters.get(needed)
        if wanted == []:
            raise BadInput("found [], allowed: a value, or a list of values", source=source, key=key)
        for value in wanted if isinstance(wanted, list) else [wanted]:
            if other is None or other.has(value):
                continue
            if isinstance(other, Choice):
                raise BadInput(unknown("value", str(value), map(str, other.values)), source=source, key=key)
            problem = f"found {shown(value)}, allowed: values of {other.kind} [{other.low}, {other.high}]"
            raise BadInput(problem, source=source, key=key)


def _matches(value: Any, wanted: Any) -> bool:
    return value in wanted if isinstance(wanted, list) else value == wanted


def _written(parameter: Parameter) -> dict[str, Any]:
    if isinstance(parameter, Choice):
        entry: dict[str, Any] = {"choice": list(parameter.values)}
    else:
        entry = {parameter.kind: [parameter.low, parameter.high]}
        if parameter.log:
            entry["log"] = True
        if parameter.step is not None:
            entry["step"] = parameter.step
    if parameter.when:
        entry["when"] = dict(parameter.when)
    return entry
