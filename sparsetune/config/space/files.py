"""Reading a space: files that include others. What is written later or nearer wins."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparsetune.base.errors import BadInput, shown
from sparsetune.base.yaml_io import read_mapping
from sparsetune.config.base import Model, check_model
from sparsetune.config.space.order import in_order
from sparsetune.config.space.parameters import Choice, Constant, Derived, Factor, Float, Int, Rule
from sparsetune.config.space.space import Space

_ANY = ("target", "when")
_RANGE = ("log", "step", *_ANY)
_KINDS: dict[str, tuple[type[Model], tuple[str, ...]]] = {
    "float": (Float, _RANGE),
    "int": (Int, _RANGE),
    "choice": (Choice, _ANY),
    "factor": (Factor, ()),
    "value": (Constant, _ANY),
    "derived": (Derived, _ANY),
}
_ALLOWED = (
    "{float: [low, high]}, {int: [low, high]}, {choice: [...]}, {factor: [...]}, {value: ...} or {derived: expression}"
)


def load_space(spec: Any, *, folder: Path, source: str) -> Space:
    """The space that ``spec`` names (``ast_pi``), lists (``[ast_pi, optimizer]``) or writes in place.

    Args:
        folder: ``search_spaces/`` of the project.
        source: the file in which ``spec`` stands.

    Raises:
        BadInput: names file and key.
    """
    rules, sources = read_rules(spec, folder=folder, source=source, key="space")
    return Space(in_order(rules, sources), sources)


def read_rules(spec: Any, *, folder: Path, source: str, key: str) -> tuple[dict[str, Rule], dict[str, str]]:
    """The rules that ``spec`` comes to, each checked by itself, and the file of each; ``key`` is where it stands."""
    written: dict[str, Any] = {}
    sources: dict[str, str] = {}
    _collect(spec, folder, source, key, written, sources, ())
    return {name: _rule(name, rule, sources[name]) for name, rule in written.items()}, sources


def _collect(
    spec: Any,
    folder: Path,
    source: str,
    key: str,
    written: dict[str, Any],
    sources: dict[str, str],
    trail: tuple[str, ...],
) -> None:
    """Gather rules depth first; what is written later, or nearer, replaces what was included."""
    if spec is None:
        return
    if isinstance(spec, str):
        path = folder / f"{spec.removesuffix('.yaml')}.yaml"
        if str(path) in trail:
            circle = " -> ".join([*trail, str(path)])
            raise BadInput(f"includes itself: {circle}", source=source, key="include", code="conflict")
        if not path.exists():
            names = [file.stem for file in folder.glob("*.yaml")]
            raise BadInput.unknown("search space", spec, names, source=source, key=key)
        _collect(read_mapping(path), folder, str(path), "include", written, sources, (*trail, str(path)))
    elif isinstance(spec, list):
        for part in spec:
            _collect(part, folder, source, key, written, sources, trail)
    elif isinstance(spec, dict):
        _collect(spec.get("include"), folder, source, "include", written, sources, trail)
        for name, rule in spec.items():
            if name != "include":
                written[name] = rule
                sources[name] = source
    else:
        raise BadInput(found=shown(spec), allowed="a name, a list of names, or a mapping", source=source, key=key)


def _rule(name: str, raw: Any, source: str) -> Any:
    kinds = [kind for kind in _KINDS if isinstance(raw, Mapping) and kind in raw]
    if len(kinds) != 1:
        raise BadInput(found=shown(raw), allowed=_ALLOWED, source=source, key=name)
    kind = kinds[0]
    model, allowed = _KINDS[kind]
    options = {key: value for key, value in raw.items() if key != kind}
    if kind == "factor" and "when" in options:
        problem = "a factor has no condition: each of its values is crossed with all that is drawn"
        raise BadInput(problem, source=source, key=f"{name}.when")
    for key in options:
        if key not in allowed:
            raise BadInput.unknown("key", str(key), (kind, *allowed), source=source, key=f"{name}.{key}")
    what = raw[kind]
    fields = {kind: what}  # what stands under the kind, by the names of the model's fields
    if "values" in model.model_fields:
        if not isinstance(what, list):
            raise BadInput(found=shown(what), allowed="a list of values", source=source, key=f"{name}.{kind}")
        fields = {"values": what}
    elif "low" in model.model_fields:
        if not isinstance(what, list) or len(what) != 2:
            raise BadInput(found=shown(what), allowed="[low, high]", source=source, key=f"{name}.{kind}")
        fields = {"low": what[0], "high": what[1]}
    try:
        return check_model(model, {"target": name, **options, **fields}, source=source, key=name)
    except BadInput as error:  # "values", "low" and "high" are our words, not the file's
        inside = error.key.removeprefix(f"{name}.").partition(".")[0]
        raise error.at(key=f"{name}.{kind}" if inside in fields else error.key) from None


def space_name(spec: Any) -> Any:
    """The name of a space that was written as its file, such as ``search_spaces/ast_pi.yaml``; of each in a list."""
    if isinstance(spec, list):
        return [space_name(part) for part in spec]
    if not isinstance(spec, str):
        return spec
    return spec.removeprefix("./").removeprefix("search_spaces/").removesuffix(".yaml")
