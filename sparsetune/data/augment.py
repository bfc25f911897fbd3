"""Random changes to a batch of training images, on the device where they are.

Each change is two functions: one draws a number or box per image from torch's generator, so that an epoch's images are
a function of the seed; the other applies what was drawn. Images are (B, C, H, W), bytes or floats; black is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, pad

_TRIES = 10  # boxes drawn for an image until one fits, as in torchvision


def draw_flips(count: int, device: torch.device, probability: float = 0.5) -> Tensor:
    """(count,) bool: which images are mirrored."""
    return torch.rand(count, device=device) < probability


def flip(images: Tensor, flips: Tensor) -> Tensor:
    """Left and right change places where ``flips`` says so."""
    both = torch.cat((images, images.flip(3)))  # whole images are then copied: a seventh of the time of torch.where
    count = len(images)
    return both.index_select(0, torch.arange(count, device=images.device) + count * flips)


def draw_offsets(count: int, padding: int, device: torch.device) -> Tensor:
    """(count, 2) int64 in [0, 2 padding]: the first row and column of the padded image that are kept."""
    return torch.randint(2 * padding + 1, (count, 2), device=device)


def crop(images: Tensor, offsets: Tensor, padding: int) -> Tensor:
    """The window of the images' own size at ``offsets`` in the images with a black border of ``padding`` pixels.

    In memory a window is one stretch of the padded image, from its first pixel to its last; these are copied, then
    what lies beside the windows is left out.
    """
    count, channels, height, width = images.shape
    padded = pad(images, (padding,) * 4).contiguous()
    plane, row = padded.stride(1), padded.stride(2)
    stretch = (channels - 1) * plane + (height - 1) * row + width
    starts = torch.arange(count, device=images.device) * padded.stride(0) + offsets[:, 0] * row + offsets[:, 1]
    stretches = padded.as_strided((padded.numel() - stretch + 1, stretch), (1, 1)).index_select(0, starts)
    return stretches.as_strided(images.shape, (stretch, plane, row, 1)).contiguous()


def draw_boxes(
    count: int,
    size: tuple[int, int],
    device: torch.device,
    scale: tuple[float, float] = (0.08, 1.0),
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
) -> Tensor:
    """(count, 4) int64: top, left, height and width of boxes within images of ``size`` (height, width).

    Distributed as in torchvision's RandomResizedCrop: the area is uniform over ``scale``, as a share of the image's,
    the logarithm of width over height over ``ratio``; of ten boxes the first that fits is taken, else the largest in
    the middle whose shape is allowed.
    """
    height, width = size
    area = height * width * torch.empty((_TRIES, count), device=device).uniform_(*scale)
    shape = torch.empty((_TRIES, count), device=device).uniform_(math.log(ratio[0]), math.log(ratio[1])).exp_()
    heights, widths = (area / shape).sqrt_().round_(), (area * shape).sqrt_().round_()
    fits = (heights >= 1) & (heights <= height) & (widths >= 1) & (widths <= width)
    first, fitting = fits.int().argmax(0, keepdim=True), fits.any(0)
    middle_height, middle_width = min(height, round(width / ratio[0])), min(width, round(height * ratio[1]))
    heights = torch.where(fitting, heights.gather(0, first)[0], middle_height)
    widths = torch.where(fitting, widths.gather(0, first)[0], middle_width)
    free = torch.stack((height - heights, width - widths))
    corner = torch.where(fitting, (torch.rand((2, count), device=device) * (free + 1)).floor_(), (free / 2).floor_())
    return torch.cat((corner, heights[None], widths[None])).T.long()


def resized_crop(images: Tensor, boxes: Tensor) -> Tensor:
    """Each box enlarged to the whole image, bilinear and without smoothing; floats, of bytes too."""
    _, _, height, width = images.shape
    kind = images.dtype if images.is_floating_point() else torch.float32
    top, left, tall, wide = boxes.to(kind).T[:, :, None]
    y, x = _positions(top, tall, height), _positions(left, wide, width)
    shape = (len(images), height, width)
    grid = torch.stack((x[:, None, :].expand(shape), y[:, :, None].expand(shape)), 3)
    return grid_sample(images.to(kind), grid, mode="bilinear", padding_mode="border", align_corners=False)


def _positions(start: Tensor, length: Tensor, size: int) -> Tensor:
    """(B, size): where the pixels of the result lie along an axis of the image, as grid_sample counts: -1 to 1.

    Not beyond the middle of a box's outermost pixels, so that nothing from outside of it is mixed in.
    """
    inside = (torch.arange(size, device=start.device, dtype=start.dtype) + 0.5) * (length / size)
    inside = torch.minimum(inside.clamp_(min=0.5), length - 0.5)
    return (start + inside) * (2 / size) - 1


def _flip(images: Tensor) -> Tensor:
    return flip(images, draw_flips(len(images), images.device))


def _crop_flip(images: Tensor) -> Tensor:
    padding = min(images.shape[2:]) // 8  # 4 of 32 pixels
    return _flip(crop(images, draw_offsets(len(images), padding, images.device), padding))


def _resized_crop_flip(images: Tensor) -> Tensor:
    """Flipped first, while images are bytes: boxes are as likely as their mirror images."""
    height, width = images.shape[2:]
    flipped = _flip(images)
    return resized_crop(flipped, draw_boxes(len(images), (height, width), images.device))


AUGMENTATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "flip": _flip,
    "crop_flip": _crop_flip,
    "resized_crop_flip": _resized_crop_flip,
}
"""By the name that a data set's config has for them; ``none`` is not among them."""
