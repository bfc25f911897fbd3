"""Networks that have torchvision's names give torchvision's outputs for torchvision's weights."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torchvision.models as tv
from torch import nn

from sparsetune.models import MODELS
from sparsetune.models.contract import Model


def ours(name: str, side: int, channels: int = 3, outputs: int = 10, **settings: Any) -> nn.Module:
    model: type[Model] = MODELS.get(name)
    return model.build(model.Config(**settings), (channels, side, side), outputs)


def same(mine: nn.Module, theirs: nn.Module, side: int, channels: int = 3, *, but: str = "-") -> None:
    """Names, shapes and first draw of parameters (``but`` those); outputs in training and in evaluation."""
    own, given = mine.state_dict(), theirs.state_dict()
    assert {n: v.shape for n, v in own.items()} == {n: v.shape for n, v in given.items()}
    for name, value in own.items():
        if value.is_floating_point() and not name.startswith(but):
            sizes = [each.square().mean().sqrt().item() for each in (value, given[name])]
            assert sizes[0] == pytest.approx(sizes[1], rel=8 / math.sqrt(value.numel())), name
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))  # scales that are 1 and shifts that are 0 hide mistakes
    mine.load_state_dict(theirs.state_dict())
    inputs = torch.randn(2, channels, side, side)
    for mode in (True, False):
        mine.train(mode), theirs.train(mode)
        for module in (*mine.modules(), *theirs.modules()):
            if isinstance(module, nn.Dropout):
                module.eval()
        with torch.no_grad():
            torch.testing.assert_close(mine(inputs), theirs(inputs))


@pytest.mark.parametrize(("name", "make"), [("resnet18", tv.resnet18), ("resnet50", tv.resnet50)])
def test_resnet(name: str, make: Any) -> None:
    same(ours(name, 40, stem="imagenet"), make(num_classes=10), 40)


@pytest.mark.slow
def test_alexnet() -> None:
    same(ours("alexnet", 63, width_scale=1.0), tv.alexnet(num_classes=10), 63)


def test_narrow_alexnet_keeps_its_order() -> None:
    """The same modules, but for the widths."""
    mine = [type(m) for m in ours("alexnet", 224, width_scale=0.1).modules() if not list(m.children())]
    theirs = [type(m) for m in tv.alexnet().modules() if not list(m.children())]
    assert [m for m in mine if m is not nn.Flatten] == theirs


@pytest.mark.parametrize("batch_norm", [True, False])
def test_vgg16_features(batch_norm: bool) -> None:
    """torchvision scales no classifier and draws whole networks only: the slow test compares these."""
    narrow = [width if width == "M" else width // 32 for width in tv.vgg.cfgs["D"]]
    theirs = tv.vgg.make_layers(narrow, batch_norm=batch_norm)
    same(ours("vgg16", 32, batch_norm=batch_norm, width_scale=1 / 32).get_submodule("features"), theirs, 32, but="")


def test_vit_b_16_is_torchvisions_but_for_its_head() -> None:
    mine = ours("vit_b_16", 32, width_scale=1 / 16)
    theirs = tv.VisionTransformer(32, 16, 12, 12, 48, 192, num_classes=10)
    same(mine, theirs, 32, but="heads")
    assert ours("vit_b_16", 32, width_scale=1 / 16).get_parameter("heads.head.weight").abs().max() > 0


def test_convnext_base_is_torchvisions() -> None:
    blocks = [tv.convnext.CNBlockConfig(a, b, n) for a, b, n in ((4, 8, 3), (8, 16, 3), (16, 32, 27), (32, None, 3))]
    mine, theirs = ours("convnext_base", 64, width_scale=1 / 32), tv.ConvNeXt(blocks, 0.5, num_classes=10)
    rates = [[m.p for m in each.modules() if isinstance(m, tv.convnext.StochasticDepth)] for each in (mine, theirs)]
    assert rates[0] == rates[1]
    for module in (*mine.modules(), *theirs.modules()):
        if isinstance(module, tv.convnext.StochasticDepth):
            module.p = 0.0
    same(mine, theirs, 64)


def test_densenet121_is_torchvisions() -> None:
    mine, theirs = ours("densenet121", 64, width_scale=1 / 8), tv.DenseNet(4, (6, 12, 24, 16), 8, num_classes=10)
    same(mine, theirs, 64)


@pytest.mark.parametrize(
    "name",
    [
        "densenet121",
        pytest.param("vit_b_16", marks=pytest.mark.slow),
        pytest.param("convnext_base", marks=pytest.mark.slow),
    ],
)
def test_the_first_layer_for_grey_images_is_drawn_like_the_one_for_colour(name: str) -> None:
    grey, colour = (
        next(m for m in ours(name, 64, channels).modules() if isinstance(m, nn.Conv2d)) for channels in (1, 3)
    )
    assert grey.weight.shape[1:] == (1, *colour.weight.shape[2:])
    fans = grey.weight[0].numel() / colour.weight[0].numel()
    scale = 1.0 if name == "convnext_base" else fans**-0.5  # its deviation does not depend on what goes in
    assert grey.weight.std().item() == pytest.approx(colour.weight.std().item() * scale, rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "make", "settings"),
    [
        ("alexnet", tv.alexnet, {}),
        ("vgg16", tv.vgg16, {"batch_norm": False}),
        ("resnet18", tv.resnet18, {}),
        ("resnet50", tv.resnet50, {}),
        ("vit_b_16", tv.vit_b_16, {}),
        ("convnext_base", tv.convnext_base, {}),
        ("densenet121", tv.densenet121, {}),
    ],
)
def test_whole_networks_on_photographs(name: str, make: Any, settings: dict[str, Any]) -> None:
    mine, theirs = ours(name, 224, outputs=1000, **settings), make()
    for module in (*mine.modules(), *theirs.modules()):
        if isinstance(module, tv.convnext.StochasticDepth):
            module.p = 0.0
    same(mine, theirs, 224, but="heads")
    mine(torch.randn(2, 3, 224, 224)).square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in mine.parameters())
