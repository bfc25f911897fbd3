"""The config of one trial: method, data, model, training, metrics, seed. A ``sparsetune run`` file is just these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import SerializeAsAny

from sparsetune.base.errors import BadInput, shown
from sparsetune.config.base import Model, Part, check_model, expand_name, places
from sparsetune.config.registry import Registries
from sparsetune.config.training import Measurement, Training

__all__ = ["Measurement", "Training", "TrialConfig", "resolve_part", "resolve_trial"]


class TrialConfig(Model):
    """All that decides a trial's numbers."""

    method: SerializeAsAny[Part]
    data: SerializeAsAny[Part]
    model: SerializeAsAny[Part]
    training: Training
    metrics: Measurement
    seed: int

    def plain(self) -> dict[str, Any]:
        """Plain values: what is stored, sent to workers, and read again by :func:`resolve_trial`."""
        return self.model_dump(mode="json")

    def portable(self) -> dict[str, Any]:
        """Plain values without what may differ from one machine to the next: paths, and the device."""
        plain = self.plain()
        _remove_places(self, plain)
        return plain


def _remove_places(config: Model, plain: dict[str, Any]) -> None:
    """Remove where files lie, and the device, wherever they stand in a config's plain values."""
    of_machine = places(config) if isinstance(config, Part) else ["device"] if isinstance(config, Training) else []
    for name in of_machine:
        del plain[name]
    for name, value in config:
        if isinstance(value, Model) and name in plain:
            _remove_places(value, plain[name])


SECTIONS = tuple(TrialConfig.model_fields)
NAMED = ("method", "data", "model")


def resolve_trial(raw: Mapping[str, Any], registries: Registries, *, source: object = "") -> TrialConfig:
    """Check a trial's sections and fill in their defaults.

    Raises:
        BadInput: names the key, what was found and what is allowed.
    """
    for key in raw:
        if key not in SECTIONS:
            raise BadInput.unknown("key", key, SECTIONS, source=source, key=key)
    parts: dict[str, Any] = {}
    for section in NAMED:
        if section not in raw:
            raise BadInput("missing", source=source, key=section, code="missing")
        parts[section] = resolve_part(section, raw[section], registries, source=source)
        if section == "method":
            raw, parts[section] = _by_method(raw, parts[section], registries, source)
    parts["training"] = check_model(Training, raw.get("training", {}), source=source, key="training")
    parts["metrics"] = check_model(Measurement, raw.get("metrics", {}), source=source, key="metrics")
    seed = raw.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise BadInput(found=shown(seed), allowed="a whole number from 0 to 2^32 - 1", source=source, key="seed")
    config = TrialConfig(**parts, seed=seed)
    for section in NAMED:
        entry = getattr(registries, section).get(parts[section].name)
        try:
            entry.check(config, registries)
        except BadInput as error:
            raise error.located(source=source) from None
    return config


def _by_method(
    raw: Mapping[str, Any], part: Part, registries: Registries, source: object
) -> tuple[Mapping[str, Any], Part]:
    """The sections with a method's own defaults, and its settings filled in."""
    method = registries.method.get(part.name)
    try:
        return _with_defaults(raw, method.defaults), method.completed(part, registries)
    except BadInput as error:
        raise error.located(source=source) from None


def _with_defaults(raw: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What is written, and a method's own defaults for what is not."""
    filled = dict(raw)
    for dotted, value in defaults.items():
        section, _, key = dotted.partition(".")
        written = expand_name(filled.get(section, {}))
        if isinstance(written, Mapping) and (section not in NAMED or "name" in written):  # else it is refused as it is
            filled[section] = {key: value, **written}
    return filled


def resolve_part(section: str, raw: Any, registries: Registries, *, source: object = "") -> Part:
    """Check what a section names, such as ``tpe`` or ``{name: tpe, ...}``, and fill in its defaults.

    Raises:
        BadInput: names the key, what was found and what is allowed.
    """
    spec = expand_name(raw)
    registry = getattr(registries, section)
    if not isinstance(spec, Mapping) or not isinstance(spec.get("name"), str):
        allowed = f"a name, or a mapping with a name ({', '.join(registry.names())})"
        raise BadInput(found=shown(raw), allowed=allowed, source=source, key=section)
    try:
        entry = registry.get(spec["name"])
    except BadInput as error:
        raise error.located(source=source, key=f"{section}.name") from None
    part: Part = check_model(entry.Config, spec, source=source, key=section)
    return part
