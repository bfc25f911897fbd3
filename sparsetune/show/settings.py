"""What of a trial's config somebody has chosen: the fields that differ from their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sparsetune.base.errors import BadInput
from sparsetune.config.base import Model
from sparsetune.config.checking import check_model
from sparsetune.config.trial import Training


def chosen(config: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of method, model and training that differ from their defaults, by dotted name as in a study file.

    What a method brings for other sections is a default too. Of a method or a model that is not known here, all fields.
    """
    models, brought = _known(config)
    found = {}
    for section in ("method", "model", "training"):
        written = config.get(section, {})
        defaults = _defaults(models[section], written, brought.get(section, {})) if section in models else {}
        for name, value in written.items():
            if name != "name" and (name not in defaults or defaults[name] != value):
                found[f"{section}.{name}"] = value
    return found


def _known(config: Mapping[str, Any]) -> tuple[dict[str, type[Model]], dict[str, dict[str, Any]]]:
    """The model of each section, and what the method brings for it."""
    models: dict[str, type[Model]] = {"training": Training}
    brought: dict[str, dict[str, Any]] = {}
    try:
        from sparsetune.app.parts import registries

        known = registries()
        for section in ("method", "model"):
            registry, name = getattr(known, section), config[section]["name"]
            if name in registry.names():  # else it is of somebody's own file
                models[section] = registry.get(name).Config
        if "method" in models:
            for dotted, value in known.method.get(config["method"]["name"]).defaults.items():
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
