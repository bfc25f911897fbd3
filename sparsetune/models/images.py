"""What models of images say of their inputs."""

from __future__ import annotations

from sparsetune.base.errors import BadInput


def misfit(model: str, wanted: str, input_shape: tuple[int, ...]) -> BadInput:
    """The error for samples that a model cannot take."""
    found = f"samples of shape {'x'.join(map(str, input_shape))}"
    if len(input_shape) != 3:
        found += ", which are no images; a model such as mlp takes them"
    return BadInput(f"{model!r} wants {wanted}; found {found}", key="model.name")


def check_images(model: str, input_shape: tuple[int, ...], smallest: int = 1) -> None:
    """Raise :class:`BadInput` unless samples are (channels, height, width), both sides at least ``smallest`` pixels."""
    if len(input_shape) != 3 or min(input_shape[1:]) < smallest:
        raise misfit(model, f"images of at least {smallest}x{smallest} pixels", input_shape)
