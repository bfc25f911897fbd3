"""What a study file can name."""

from __future__ import annotations

import inspect
import itertools
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.text import Text

from sparsetune.base.errors import BadInput
from sparsetune.base.layout.console import open_console
from sparsetune.base.layout.paragraphs import reflowed
from sparsetune.base.layout.text import number
from sparsetune.base.yaml_io import dump, read_mapping
from sparsetune.config.base import Part
from sparsetune.config.metrics import named
from sparsetune.config.overrides import assign
from sparsetune.config.registry import Registries, Registry
from sparsetune.config.space import Space, cells, load_space
from sparsetune.config.space.checks import check_names
from sparsetune.config.space.files import space_name
from sparsetune.show.space import in_words
from sparsetune.show.words import listing


def show_methods(registries: Registries, name: str | None) -> None:
    """The methods with the first line of their cards; one of them in full, with what it changes in other sections."""
    if name is None:
        _show_names(registries.method, head_of)
        return
    method = registries.method.get(name)
    show_settings(head_of(method), method.Config, phases=True)
    if method.metrics:
        open_console().print(f"metrics of its own: {', '.join(named(method.metrics))}", highlight=False)
    if method.defaults:
        open_console().print("with it, other sections have these defaults:", highlight=False)
        sections = textwrap.indent(dump(assign({}, method.defaults)).rstrip(), "  ")
        open_console().print(sections, highlight=False, markup=False, soft_wrap=True)


def show_models(registries: Registries, name: str | None) -> None:
    """The models in a line each; one of them with its settings and the places where it can have dropout."""
    if name is None:
        _show_names(registries.model, _doc)
        return
    model = registries.model.get(name)
    show_settings(f"{_doc(model)}\n\n{head_of(model)}", model.Config)
    sites = model.dropout_sites(model.Config())
    open_console().print(f"places for dropout, in forward order: {', '.join(sites) or 'none'}", highlight=False)


def show_engine(registry: Registry, name: str | None) -> None:
    """The samplers or pruners in a line each; one of them with what it is good for and its settings."""
    if name is None:
        _show_names(registry, _doc)
        return
    engine = registry.get(name)
    show_settings(f"{head_of(engine)}\n\n{_doc(engine)}", engine.Config)


def show_settings(text: str, config: type[Part], *, phases: bool = False) -> None:
    """A text, then every setting with its default."""
    console = open_console()
    console.print(reflowed(text, console.width), highlight=False, markup=False, soft_wrap=True)
    table = listing("setting", "default", "unit", *(["from phase"] if phases else []), "what it is")
    for key, field in config.model_fields.items():
        notes: Any = field.json_schema_extra or {}
        if key != "name":
            default = "required" if field.is_required() else number(field.default, 4)
            phase = [notes.get("phase")] if phases else []
            table.add_row(key, default, notes.get("unit"), *phase, field.description)
    console.print(table)


def _show_names(registry: Registry, text: Callable[[Any], str]) -> None:
    table = listing(registry.what, "what it is")
    for each in registry.names():
        table.add_row(each, Text(text(registry.get(each)).partition("\n")[0]))
    open_console().print(table)


def head_of(registered: Any) -> str:
    """The text at the head of its file."""
    return inspect.getdoc(inspect.getmodule(registered)) or ""


def _doc(registered: Any) -> str:
    """Its own docstring, never that of its base."""
    return inspect.cleandoc(vars(registered).get("__doc__") or "")


def show_spaces(root: Path) -> None:
    """The search spaces of a project; of a broken one what is wrong with it."""
    folder = root / "search_spaces"
    table = listing("space", "parameters", "includes", "what it is", right=["parameters"])
    files = sorted(folder.glob("*.yaml"))
    for file in files:
        try:
            space = load_space(file.stem, folder=folder, source=str(file))
            row = (str(len(space.parameters)), ", ".join(_included(file)), _misfit(space) or _card(file))
        except BadInput as error:
            row = ("", "", str(error))
        table.add_row(*(Text(cell) for cell in (file.stem, *row)))
    console = open_console()
    console.print(table if files else f"no search space yet: {folder} holds one YAML file for each", highlight=False)


def show_space(root: Path, name: str) -> None:
    """Every line of a space: what it may be, and the file that says so; then whether there is something to vary."""
    folder = root / "search_spaces"
    name = space_name(name)
    file = folder / f"{name}.yaml"
    if not file.exists():
        raise BadInput.unknown("search space", name, (each.stem for each in folder.glob("*.yaml")), source=folder)
    space = load_space(name, folder=folder, source=str(file))
    console = open_console()
    console.print(Text(_card(file) or name))
    table = listing("parameter", "what it may be", "from")
    for each, parameter in space.rules.items():
        table.add_row(*map(Text, (each, in_words(each, parameter), Path(space.sources[each]).name)))
    console.print(table)
    if space.factors:
        console.print(Text(f"{len(cells(space))} cells by its factors, each searched by itself"), style="dim")
    console.print(Text(f"in a study: space: {name}, or with others: space: [{name}, ...]"), style="dim")
    misfit = _misfit(space)
    if misfit:
        console.print(Text(f"warning: {misfit}"), soft_wrap=True)


def _misfit(space: Space) -> str:
    """What is wrong with its names, unless a study imports what they belong to; empty where all is well."""
    from sparsetune.app.parts import registries

    try:
        check_names(space, registries())
    except BadInput as error:
        return str(error)
    return ""


def _included(file: Path) -> list[str]:
    named = read_mapping(file).get("include") or []
    return [str(each) for each in (named if isinstance(named, list) else [named])]


def _card(file: Path) -> str:
    """The comment that a space opens with, as one line."""
    lines = file.read_text(encoding="utf-8").splitlines()
    opening = itertools.takewhile(lambda line: line.startswith("#"), lines)
    return " ".join(line.lstrip("# ").rstrip() for line in opening)
