"""A ticket, and what its network gives here beside what its trial has recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from sparsetune.base.errors import BadInput
from sparsetune.base.layout.console import open_console
from sparsetune.base.layout.text import bar, number, size
from sparsetune.base.yaml_io import dump
from sparsetune.config.base import Model, check_model
from sparsetune.config.trial import Training
from sparsetune.report.tables import plain_table
from sparsetune.show.words import document, listing, pairs
from sparsetune.training.left.ticket import OfWeights, Ticket, read_ticket

if TYPE_CHECKING:
    from sparsetune.app.tickets import Evaluation


_BAR = 20  # characters
_SHOWN = (
    "val_accuracy", "test_accuracy", "val_r2", "test_r2", "val_loss", "test_loss", "ece", "test_ece",
)  # fmt: skip


def show_ticket(path: Path, name: str, *, as_json: bool) -> None:
    """The words of a ticket with what of its setting was chosen, its size, and its layers. ``name``: which it is."""
    ticket, nbytes = read_ticket(path), path.stat().st_size
    if as_json:
        document(_document(name, ticket, nbytes))
        return
    console = open_console()
    console.print(Text(name, "bold"), soft_wrap=True)
    console.print(pairs(_words(ticket, nbytes), "bold"))
    console.print()
    console.print(_layers(ticket, ascii_only=not console.encoding.startswith("utf")))


def show_evaluation(name: str, evaluated: Evaluation, *, as_json: bool) -> None:
    """Each number as recorded and as it is here, whether they agree, and what that may be due to."""
    recorded = evaluated.ticket.about.metrics
    if as_json:
        content = {
            "ticket": name,
            "recorded": recorded,
            "found": evaluated.metrics,
            "reproduced": evaluated.reproduced if evaluated.mc_samples is None else None,
            "mc_samples": evaluated.mc_samples,
            "differences": list(evaluated.differences),
        }
        document(content)
        return
    console = open_console()
    table = listing("", "recorded", "here", "", right=("recorded", "here"))
    for metric in (each for each in _SHOWN if each in recorded and each in evaluated.metrics):
        same = Text("same", "green") if evaluated.same(metric) else Text("differs", "yellow")
        table.add_row(metric, number(recorded[metric], 6), number(evaluated.metrics[metric], 6), same)
    console.print(table)
    for line in _verdict(evaluated):
        console.print(Text(line), soft_wrap=True)


def _verdict(evaluated: Evaluation) -> Iterator[str]:
    if evaluated.mc_samples is not None:
        same = all(map(evaluated.same, evaluated.metrics))  # as with a network that drops nothing
        said = "these are the recorded numbers" if same else "other numbers than recorded are expected"
        here, there = evaluated.mc_samples, evaluated.ticket.about.config["method"].get("mc_samples")
        count = f"{here}, as in its trial" if here == there else f"{here} instead of {there}"
        yield f"Evaluated with mc_samples {count}: {said}."
    elif evaluated.reproduced:
        yield "The network is what the trial left: these are its numbers."
    else:
        yield "The recorded numbers are not reproduced."
        yield from (f"  {each}" for each in evaluated.differences)
        if not evaluated.differences:
            yield "  Nothing known is different here; another kind of processor may round otherwise."


def _words(ticket: Ticket, nbytes: int) -> Iterator[tuple[str, str]]:
    about = ticket.about
    for section in ("method", "model", "data"):
        yield section, about.config[section]["name"]
    for name, value in chosen(about.config).items():
        yield name, " ".join(dump(value).removesuffix("...\n").split())
    yield "seed", str(about.config.get("seed", 0))
    kept, weights = sum(ticket.kept()), len(ticket.mask)
    yield "sparsity", f"{number(about.sparsity, 4)} removed, density {number(about.density, 4)}"
    yield "weights", f"{kept:,} of {weights:,} kept"
    yield "size", size(nbytes) if isinstance(about, OfWeights) else _sizes(nbytes, ticket.dense_bytes)
    if about.pixels is not None:
        yield "pixels", str(about.pixels)
    for name in (each for each in _SHOWN if each in about.metrics):
        yield name, number(about.metrics[name], 4)
    if isinstance(about, OfWeights):
        yield from _whence(about)
    yield "made with", f"torch {about.torch} on {about.device}"


def _sizes(nbytes: int, dense: int) -> str:
    return f"{size(nbytes)}; {size(dense)} with all weights as float32, {dense / nbytes:.3g} times as much"


def _whence(about: OfWeights) -> Iterator[tuple[str, str]]:
    origin, start = about.origin, about.start
    if origin.study is not None:
        yield "study", f"{origin.study} trial {origin.trial}"
    yield "level", f"{origin.level}, arm {origin.arm}"
    began = f"after {start.iterations:,} iterations" if start.iterations else "at the beginning"
    yield "weights of", f"the training {began}; the numbers above are what training them came to"


def _layers(ticket: Ticket, *, ascii_only: bool) -> Table:
    table = plain_table()
    for head in ("layer", "shape", "kept", "of", "density", ""):
        table.add_column(
            head, justify="right" if head in ("kept", "of", "density") else "left", no_wrap=head != "layer"
        )
    for layer, kept in zip(ticket.about.layers, ticket.kept(), strict=True):
        density = kept / layer.size
        drawn = bar(density, _BAR, ascii_only=ascii_only)
        shape = " x ".join(map(str, layer.shape))
        table.add_row(Text(layer.name), shape, f"{kept:,}", f"{layer.size:,}", f"{density:.3f}", drawn)
    return table


def _document(name: str, ticket: Ticket, nbytes: int) -> dict[str, Any]:
    words = ticket.about.model_dump(mode="json")
    kept = ticket.kept()
    words["layers"] = [
        {**plain, "size": layer.size, "kept": count, "density": count / layer.size}
        for plain, layer, count in zip(words["layers"], ticket.about.layers, kept, strict=True)
    ]
    return {"ticket": name, "bytes": nbytes, "dense_bytes": ticket.dense_bytes, "kept": sum(kept), **words}


def chosen(config: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of method, model and training that differ from their defaults, by dotted name as in a study file.

    What a method brings for other sections is a default too. Of a method or a model that is not known here, all fields.
    """
    models, brought = _models(config)
    fields = {}
    for section in ("method", "model", "training"):
        written = config.get(section, {})
        defaults = _defaults(models[section], written, brought.get(section, {})) if section in models else {}
        for name, value in written.items():
            if name != "name" and (name not in defaults or defaults[name] != value):
                fields[f"{section}.{name}"] = value
    return fields


def _models(config: Mapping[str, Any]) -> tuple[dict[str, type[Model]], dict[str, dict[str, Any]]]:
    """The model of each section, and what the method brings for it."""
    models: dict[str, type[Model]] = {"training": Training}
    brought: dict[str, dict[str, Any]] = {}
    try:
        from sparsetune.app.parts import registries

        tables = registries()
        for section in ("method", "model"):
            registry, name = getattr(tables, section), config[section]["name"]
            if name in registry.names():  # else it is of somebody's own file
                models[section] = registry.get(name).Config
        if "method" in models:
            for dotted, value in tables.method.get(config["method"]["name"]).defaults.items():
                section, _, key = dotted.partition(".")
                brought.setdefault(section, {})[key] = value
    except ImportError:  # of torch, without which tickets can be read
        pass
    return models, brought


def _defaults(model: type[Model], written: Mapping[str, Any], brought: Mapping[str, Any]) -> dict[str, Any]:
    """As plain values; none where what is written is of another version."""
    needed = [name for name, field in model.model_fields.items() if field.is_required()]
    try:
        made = check_model(model, {**brought, **{name: written[name] for name in needed if name in written}})
    except BadInput:
        return {}
    return {name: value for name, value in made.model_dump(mode="json").items() if name not in needed}
