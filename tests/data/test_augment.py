"""Each augmented image is what torchvision makes of the same numbers, and the numbers are drawn as torchvision's."""

import pytest
import torch
from torch import Tensor
from torchvision import transforms
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F

from sparsetune.data.augment import (
    AUGMENTATIONS,
    crop,
    draw_boxes,
    draw_flips,
    draw_offsets,
    flip,
    resized_crop,
)

CPU = torch.device("cpu")
SHAPES = [(40, 3, 32, 32), (9, 1, 8, 8), (12, 3, 17, 24)]


def images(shape: tuple[int, ...], dtype: torch.dtype = torch.uint8) -> Tensor:
    values = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    return values if dtype == torch.uint8 else values.to(dtype) / 255


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def test_a_flip_by_hand() -> None:
    batch = torch.tensor([[[[1, 2, 3], [4, 5, 6]]], [[[1, 2, 3], [4, 5, 6]]]], dtype=torch.uint8)
    assert flip(batch, torch.tensor([True, False])).tolist() == [[[[3, 2, 1], [6, 5, 4]]], [[[1, 2, 3], [4, 5, 6]]]]


def test_a_crop_by_hand() -> None:
    batch = torch.tensor([[[[1, 2], [3, 4]]]] * 3, dtype=torch.uint8)
    windows = crop(batch, torch.tensor([[0, 0], [1, 1], [2, 0]]), 1)
    assert windows.tolist() == [[[[0, 0], [0, 1]]], [[[1, 2], [3, 4]]], [[[0, 3], [0, 0]]]]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_flips_are_torchvision_s(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    batch = images(shape, dtype)
    flips = draw_flips(len(batch), CPU)
    expected = torch.stack([F.hflip(each) if turned else each for each, turned in zip(batch, flips, strict=True)])
    found = flip(batch, flips)
    assert found.dtype == dtype
    assert torch.equal(found, expected)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize("padding", [0, 1, 4])
@pytest.mark.parametrize("shape", SHAPES)
def test_crops_are_torchvision_s(shape: tuple[int, ...], padding: int, dtype: torch.dtype) -> None:
    batch = images(shape, dtype)
    offsets = draw_offsets(len(batch), padding, CPU)
    offsets[:4] = torch.tensor([[0, 0], [0, 2 * padding], [2 * padding, 0], [2 * padding, 2 * padding]])
    expected = [
        F.crop(F.pad(each, [padding]), top, left, *shape[2:])
        for each, (top, left) in zip(batch, offsets.tolist(), strict=True)
    ]
    found = crop(batch, offsets, padding)
    assert found.dtype == dtype
    assert found.is_contiguous()
    assert torch.equal(found, torch.stack(expected))


def test_a_batch_in_any_memory_format() -> None:
    batch = images((9, 3, 8, 8), torch.float32)
    offsets = draw_offsets(9, 2, CPU)
    for other in (batch.contiguous(memory_format=torch.channels_last), batch.repeat(1, 2, 1, 1)[:, :3]):
        assert torch.equal(crop(other, offsets, 2), crop(batch, offsets, 2))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_resized_crops_are_torchvision_s(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    batch = images(shape, dtype)
    size = shape[2], shape[3]
    boxes = draw_boxes(len(batch), size, CPU)
    boxes[0] = torch.tensor([0, 0, *size])
    boxes[1] = torch.tensor([2, 3, 1, 1])
    floats = batch if batch.is_floating_point() else batch.float()
    expected = [
        F.resized_crop(each, *box, size=list(size), interpolation=InterpolationMode.BILINEAR, antialias=False)
        for each, box in zip(floats, boxes.tolist(), strict=True)
    ]
    found = resized_crop(batch, boxes)
    assert found.dtype == floats.dtype
    near = 1e-5 * floats.max().item() * (1 if found.dtype == torch.float32 else 1e-7)
    torch.testing.assert_close(found, torch.stack(expected), rtol=0, atol=10 * near)


def test_flips_are_drawn_evenly() -> None:
    assert draw_flips(40_000, CPU).double().mean().item() == pytest.approx(0.5, abs=0.01)  # 4 deviations
    assert draw_flips(40_000, CPU, 0.1).double().mean().item() == pytest.approx(0.1, abs=0.006)


def test_offsets_are_drawn_evenly() -> None:
    """Every pair is as likely as any other: chi-squared over 81, whose 99.99 % quantile is 136."""
    count = 81_000
    counts = torch.zeros(9, 9).index_put_(tuple(draw_offsets(count, 4, CPU).T), torch.ones(count), accumulate=True)
    assert ((counts - 1000).square() / 1000).sum() < 136


@pytest.mark.parametrize(
    ("size", "scale", "ratio"),
    [
        ((32, 32), (0.08, 1.0), (3 / 4, 4 / 3)),
        ((20, 40), (0.5, 1.0), (3 / 4, 4 / 3)),  # large boxes rarely fit: the middle one is often taken
        ((64, 8), (0.9, 1.0), (0.5, 2.0)),  # none ever fits
        ((8, 64), (0.9, 1.0), (0.5, 2.0)),
        ((16, 16), (1.0, 1.0), (1.0, 1.0)),
    ],
)
def test_boxes_are_drawn_as_torchvision_draws_them(
    size: tuple[int, int], scale: tuple[float, float], ratio: tuple[float, float]
) -> None:
    """Means of top, left, height, width and of area and shape, at most 5 standard errors apart; always inside."""
    count = 3000
    ours = draw_boxes(count, size, CPU, scale, ratio)
    empty = torch.empty(1, *size)
    draw = transforms.RandomResizedCrop.get_params
    theirs = torch.tensor([draw(empty, list(scale), list(ratio)) for _ in range(count)])
    top, left, height, width = ours.T
    assert ours.dtype == torch.int64
    assert (top >= 0).all()
    assert (left >= 0).all()
    assert (height >= 1).all()
    assert (width >= 1).all()
    assert (top + height <= size[0]).all()
    assert (left + width <= size[1]).all()
    for found, expected in zip(features(ours), features(theirs), strict=True):
        error = ((found.var() + expected.var()) / count).sqrt().item()
        assert found.mean().item() == pytest.approx(expected.mean().item(), abs=5 * error + 1e-9)
        assert found.std().item() == pytest.approx(expected.std().item(), rel=0.15, abs=1e-9)


def features(boxes: Tensor) -> list[Tensor]:
    top, left, height, width = boxes.double().T
    return [top, left, height, width, height * width, (width / height).log()]


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_a_seed_decides_what_is_drawn(name: str) -> None:
    augment, batch = AUGMENTATIONS[name], images((40, 3, 32, 32))
    found = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        found.append(augment(batch))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    assert not torch.equal(found[0].float(), batch.float())
    assert found[0].dtype == (torch.float32 if name == "resized_crop_flip" else torch.uint8)
    assert torch.equal(batch, images((40, 3, 32, 32)))  # data are shared: never written to


@pytest.mark.parametrize(("size", "padding"), [(32, 4), (28, 3), (8, 1), (7, 0)])
def test_crop_flip_is_a_crop_with_an_eighth_of_padding_and_a_flip(size: int, padding: int) -> None:
    batch = images((30, 3, size, size))
    torch.manual_seed(7)
    offsets = draw_offsets(30, padding, CPU)
    expected = flip(crop(batch, offsets, padding), draw_flips(30, CPU))
    torch.manual_seed(7)
    assert torch.equal(AUGMENTATIONS["crop_flip"](batch), expected)


def test_resized_crop_flip_is_both() -> None:
    batch = images((30, 3, 12, 20))
    torch.manual_seed(7)
    flipped = flip(batch, draw_flips(30, CPU))
    expected = resized_crop(flipped, draw_boxes(30, (12, 20), CPU))
    torch.manual_seed(7)
    assert torch.equal(AUGMENTATIONS["resized_crop_flip"](batch), expected)
