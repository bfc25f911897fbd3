"""The models: counts worked by hand and published, single networks against others, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from sparsetune.base.errors import BadInput
from sparsetune.config.base import Part, check_model
from sparsetune.config.registry import Registries, Registry
from sparsetune.config.trial import Measurement, Training, TrialConfig
from sparsetune.data import DATA
from sparsetune.models import MODELS
from sparsetune.models.contract import Model, ModelConfig
from sparsetune.models.fc import Fc, FcConfig
from sparsetune.models.lenet5 import Lenet5, Lenet5Config
from sparsetune.models.mlp import Mlp, MlpConfig
from sparsetune.models.resnet import widened

GREY, COLOUR, PHOTO = (1, 28, 28), (3, 32, 32), (3, 224, 224)
REGISTRIES = Registries(method=Registry("method", {}), data=DATA, model=MODELS)


def build(name: str, input_shape: tuple[int, ...], outputs: int, **settings: Any) -> nn.Module:
    model: type[Model] = MODELS.get(name)
    return model.build(model.Config(**settings), input_shape, outputs)


def count(name: str, input_shape: tuple[int, ...], outputs: int, **settings: Any) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in build(name, input_shape, outputs, **settings).parameters())


@pytest.mark.parametrize(
    ("name", "input_shape", "settings", "expected"),
    [
        ("mlp", GREY, {}, 784 * 300 + 300 + 300 * 100 + 100 + 100 * 10 + 10),
        ("mlp", (1, 8, 8), {"hidden": ()}, 64 * 10 + 10),
        ("mlp", (64,), {"hidden": (32, 16), "batch_norm": True}, 64 * 32 + 64 + 32 * 16 + 32 + 16 * 10 + 10),
        ("mlp", (64,), {"hidden": (32, 16), "width_scale": 0.1}, 64 * 3 + 3 + 3 * 1 + 1 + 1 * 10 + 10),
        ("lenet5", GREY, {}, 156 + 2_416 + 48_120 + 10_164 + 850),
        ("lenet5_caffe", (1, 32, 32), {}, 520 + 25_050 + (50 * 5 * 5 * 500 + 500) + 5_010),
        ("lenet5_tanh", GREY, {}, 102 + 1_552 + 30_840 + 10_164 + 850),
        ("lenet_sbcube", GREY, {}, 19_500 + 150),
        ("conv2", GREY, {}, 640 + 36_928 + (12_544 * 256 + 256) + 65_792 + 2_570),
        ("conv8", COLOUR, {}, 1_145_408 + 1_180_160 + 2_359_808 + (2_048 * 256 + 256) + 65_792 + 2_570),
        ("resnet20", COLOUR, {}, 464 + 14_016 + 51_072 + 203_520 + 650),
        ("vgg16", COLOUR, {}, 14_714_688 + 8_448 + 530_442),
        ("vgg16", GREY, {}, 15_253_578 - 2 * 9 * 64),  # one channel for three
        ("vgg16", COLOUR, {"batch_norm": False}, 14_714_688 + (25_088 * 4_096 + 4_096) + 16_781_312 + 40_970),
    ],
)
def test_parameters_counted_by_hand(
    name: str, input_shape: tuple[int, ...], settings: dict[str, Any], expected: int
) -> None:
    assert count(name, input_shape, 10, **settings) == expected


@pytest.mark.parametrize(
    ("name", "input_shape", "outputs", "settings", "published"),
    [
        ("lenet_300_100", GREY, 10, {}, 266_610),
        ("lenet5", GREY, 10, {}, 61_706),
        ("lenet5_caffe", GREY, 10, {}, 431_080),
        ("vgg16", COLOUR, 10, {}, 15_253_578),
        ("mlp", (2,), 1, {"hidden": (5, 8), "activation": "tanh"}, 72),  # teacher
        ("mlp", (2,), 1, {"hidden": (25, 25), "activation": "tanh"}, 751),  # student
        ("fc", GREY, 10, {"n_layers": 1, "n_neurons": 10}, 7_960),
        ("fc", GREY, 10, {"n_layers": 1, "n_neurons": 100}, 79_510),
        ("fc", GREY, 10, {"n_layers": 2, "n_neurons": 10}, 8_070),
        ("fc", GREY, 10, {"n_layers": 2, "n_neurons": 100}, 89_610),
        ("alexnet", PHOTO, 1000, {}, 61_100_840),
        ("vgg16", PHOTO, 1000, {"batch_norm": False}, 138_357_544),
        ("resnet18", PHOTO, 1000, {}, 11_689_512),
        ("resnet50", PHOTO, 1000, {}, 25_557_032),
        ("vit_b_16", PHOTO, 1000, {}, 86_567_656),
        ("convnext_base", PHOTO, 1000, {}, 88_591_464),
        ("densenet121", PHOTO, 1000, {}, 7_978_856),
    ],
)
def test_parameters_as_published(
    name: str, input_shape: tuple[int, ...], outputs: int, settings: dict[str, Any], published: int
) -> None:
    assert count(name, input_shape, outputs, **settings) == published


def test_mlp_computes_what_its_docstring_draws() -> None:
    network = Mlp.build(MlpConfig(hidden=(2,)), (1, 1, 2), 1)
    weights = [[[1.0, -1.0], [2.0, 0.0]], [0.5, -9.0], [[3.0, 1.0]], [0.25]]
    for parameter, values in zip(network.parameters(), weights, strict=True):
        parameter.data = torch.tensor(values)
    # hidden: relu(4 - 1 + 0.5) = 3.5, relu(8 - 9) = 0; output: 3 * 3.5 + 0.25
    assert network(torch.tensor([[[[4.0, 1.0]]]])).item() == 10.75


def test_mlp_order_of_layers() -> None:
    network = Mlp.build(MlpConfig(hidden=(4, 3), batch_norm=True, dropout=0.1, activation="tanh"), (1, 8, 8), 10)
    block = ["Linear", "BatchNorm1d", "Tanh", "Dropout"]
    assert [type(layer).__name__ for layer in network.children()] == ["Flatten", *block, *block, "Linear"]


def test_names_of_parameters_stay() -> None:
    """Checkpoints and masks of earlier studies are known by them."""
    assert list(dict(Mlp.build(MlpConfig(hidden=(3,)), (2,), 1).named_children())) == [
        "flatten", "linear1", "relu1", "linear2",
    ]  # fmt: skip
    assert list(dict(Lenet5.build(Lenet5Config(), GREY, 10).named_children())) == [
        "conv1", "relu1", "pool1", "conv2", "relu2", "pool2", "flatten",
        "linear1", "relu3", "linear2", "relu4", "linear3",
    ]  # fmt: skip


def test_lenet5_against_the_same_network_in_functions() -> None:
    network, functional = build("lenet5", GREY, 10), nn.functional
    p = dict(network.named_parameters())
    x = torch.randn(4, *GREY)
    h = functional.max_pool2d(functional.conv2d(x, p["conv1.weight"], p["conv1.bias"], padding=2).relu(), 2)
    h = functional.max_pool2d(functional.conv2d(h, p["conv2.weight"], p["conv2.bias"]).relu(), 2).flatten(1)
    for number in (1, 2, 3):
        h = functional.linear(h, p[f"linear{number}.weight"], p[f"linear{number}.bias"])
        h = h.relu() if number < 3 else h
    torch.testing.assert_close(network(x), h)


def test_the_other_lenets_against_the_same_networks_in_functions() -> None:
    functional, x = nn.functional, torch.randn(4, *GREY)

    def layer(inputs: torch.Tensor, name: str, padding: int = 0) -> torch.Tensor:
        weight, bias = parameters[f"{name}.weight"], parameters[f"{name}.bias"]
        if weight.ndim == 2:
            return functional.linear(inputs, weight, bias)
        return functional.conv2d(inputs, weight, bias, padding=padding)

    network = build("lenet_sbcube", GREY, 10)
    parameters = dict(network.named_parameters())
    h = functional.max_pool2d(layer(x, "conv1", 2).relu(), 2)
    h = functional.max_pool2d(layer(h, "conv2", 2).relu(), 7).flatten(1)
    torch.testing.assert_close(network(x), layer(layer(h, "linear1").relu(), "linear2"))

    network = build("lenet5_caffe", GREY, 10)
    parameters = dict(network.named_parameters())
    h = functional.max_pool2d(layer(x, "conv1").relu(), 2)
    h = functional.max_pool2d(layer(h, "conv2").relu(), 2).flatten(1)
    torch.testing.assert_close(network(x), layer(layer(h, "linear1").relu(), "linear2"))

    network = build("lenet5_tanh", GREY, 10)
    parameters = dict(network.named_parameters())
    h = functional.avg_pool2d(layer(x, "conv1").tanh(), 2)
    h = functional.avg_pool2d(layer(h, "conv2").tanh(), 2)
    h = layer(h, "conv3").tanh().flatten(1)
    torch.testing.assert_close(network(x), layer(layer(h, "linear1").tanh(), "linear2"))


def test_plain_convolutions_drop_once_between_layers() -> None:
    model: type[Model] = MODELS.get("conv6")
    assert model.dropout_sites(model.Config()) == ("pool1", "pool2", "flatten", "relu7", "relu8")


def test_lenet_sbcube_drops_where_its_original_does() -> None:
    model: type[Model] = MODELS.get("lenet_sbcube")
    network = model.build(model.Config(), GREY, 10)
    names = [name for name, _ in network.named_children()]
    followers = [names[names.index(site) + 1] for site in model.dropout_sites(model.Config())]
    assert followers == ["conv2", "linear1", "linear2"]
    assert network.get_submodule("linear1").weight.shape == (100, 80)


@pytest.mark.parametrize("batch_norm", [True, False])
def test_vgg16_drops_after_pooling_and_after_hidden_units(batch_norm: bool) -> None:
    model: type[Model] = MODELS.get("vgg16")
    network = build("vgg16", (1, 32, 32), 10, batch_norm=batch_norm, width_scale=0.02)
    sites = model.dropout_sites(model.Config(batch_norm=batch_norm))
    assert [type(network.get_submodule(site)).__name__ for site in sites] == ["MaxPool2"] * 5 + ["ReLU"] * 2


def test_vgg16_leaves_out_only_the_pooling_that_would_leave_nothing() -> None:
    grey, colour = (build("vgg16", shape, 10, width_scale=0.02).eval() for shape in ((1, 28, 28), (1, 32, 32)))
    assert grey.load_state_dict(colour.state_dict()) is not None
    assert grey.get_submodule("features")(torch.zeros(2, *GREY)).shape[2:] == (1, 1)
    wide = build("vgg16", (1, 28, 100), 10, width_scale=0.02).eval()
    assert wide.get_submodule("features")(torch.zeros(2, 1, 28, 100)).shape[2:] == (1, 6)
    assert wide(torch.zeros(2, 1, 28, 100)).shape == (2, 10)


def test_vgg16_is_drawn_like_torchvisions() -> None:
    state = build("vgg16", GREY, 10, width_scale=0.25).state_dict()
    assert state["features.14.weight"].shape[:2] == (64, 32)
    assert state["features.14.weight"].std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.03)  # fan_out
    assert state["classifier.3.weight"].std().item() == pytest.approx(0.01, rel=0.02)
    assert not state["features.14.bias"].any()
    assert not state["classifier.3.bias"].any()


def test_the_stem_goes_by_the_size_of_images() -> None:
    def stem(input_shape: tuple[int, ...], **settings: Any) -> tuple[int, ...]:
        with torch.device("meta"):
            return tuple(build("resnet18", input_shape, 10, **settings).get_submodule("conv1").weight.shape[2:])

    assert [stem(COLOUR), stem((3, 64, 64)), stem((3, 63, 200))] == [(3, 3), (7, 7), (3, 3)]
    assert [stem(COLOUR, stem="imagenet"), stem(PHOTO, stem="cifar")] == [(7, 7), (3, 3)]


def test_option_a_pads_new_channels_with_zeros_on_both_sides() -> None:
    block = build("resnet20", COLOUR, 10).get_submodule("layer2.0").eval()
    nn.init.zeros_(block.get_submodule("bn2").weight)
    inputs = torch.rand(2, 16, 8, 8)
    outputs = block(inputs)
    assert torch.equal(outputs[:, 8:24], inputs[:, :, ::2, ::2])
    assert not outputs[:, :8].any()
    assert not outputs[:, 24:].any()


def test_of_an_odd_number_of_new_channels_one_more_lies_behind() -> None:
    outputs = widened(torch.ones(1, 2, 3, 3), 5)
    assert outputs[0, :, 0, 0].tolist() == [0, 1, 1, 0, 0]


@pytest.mark.parametrize(
    ("name", "settings", "input_shape", "wanted"),
    [
        ("lenet5", {}, (1, 8, 8), "images of 28x28 or 32x32 pixels"),
        ("lenet5", {}, (3, 28, 32), "images of 28x28 or 32x32 pixels"),
        ("lenet5_caffe", {}, (1, 15, 28), "images of at least 16x16 pixels"),
        ("lenet5_tanh", {}, (1, 24, 24), "images of at least 25x25 pixels"),
        ("lenet_sbcube", {}, (1, 13, 13), "images of at least 14x14 pixels"),
        ("conv2", {}, (784,), "images of at least 2x2 pixels"),
        ("conv8", {}, (1, 15, 15), "images of at least 16x16 pixels"),
        ("alexnet", {}, (1, 26, 26), "images of at least 27x27 pixels"),
        ("vgg16", {}, (1, 15, 15), "images of at least 16x16 pixels"),
        ("resnet18", {}, (13,), "images of at least 1x1 pixels"),
        ("vit_b_16", {}, (1, 28, 28), "square images whose side is a multiple of 16 pixels"),
        ("vit_b_16", {}, (3, 32, 48), "square images whose side is a multiple of 16 pixels"),
        ("convnext_base", {}, (1, 28, 28), "images of at least 32x32 pixels"),
        ("densenet121", {}, (1, 7, 7), "images of at least 8x8 pixels"),
        ("densenet121", {"stem": "imagenet"}, (1, 28, 28), "images of at least 29x29 pixels"),
        ("densenet121", {}, (13,), "images of at least 1x1 pixels"),
    ],
)
def test_samples_that_a_model_cannot_take(
    name: str, settings: dict[str, Any], input_shape: tuple[int, ...], wanted: str
) -> None:
    with pytest.raises(BadInput) as caught:
        build(name, input_shape, 10, **settings)
    shape = "x".join(map(str, input_shape))
    strange = "" if len(input_shape) == 3 else ", which are no images; a model such as mlp takes them"
    assert str(caught.value) == f"model.name: {name!r} wants {wanted}; found samples of shape {shape}{strange}"


@pytest.mark.parametrize(
    ("name", "smallest"),
    [
        ("lenet5_caffe", 16),
        ("lenet5_tanh", 25),
        ("lenet_sbcube", 14),
        ("conv8", 16),
        ("alexnet", 27),
        ("alexnet", 63),
        ("vgg16", 16),
        ("resnet18", 1),
        ("resnet20", 1),
        ("vit_b_16", 16),
        ("convnext_base", 32),
        ("densenet121", 8),
    ],
)
def test_the_smallest_images_go_through(name: str, smallest: int) -> None:
    network = build(name, (1, smallest, smallest), 3, width_scale=0.02).eval()
    with torch.no_grad():
        assert network(torch.zeros(2, 1, smallest, smallest)).shape == (2, 3)


def test_densenet_with_imagenets_stem_takes_29_pixels() -> None:
    network = build("densenet121", (1, 29, 29), 3, width_scale=0.02, stem="imagenet").eval()
    with torch.no_grad():
        assert network(torch.zeros(2, 1, 29, 29)).shape == (2, 3)


def trial(data: str, model: ModelConfig, batch_size: int = 64) -> TrialConfig:
    return TrialConfig(
        method=Part(name="dense"),
        data=DATA.get(data).Config(),
        model=model,
        training=Training(batch_size=batch_size),
        metrics=Measurement(),
        seed=0,
    )


def test_the_size_of_images_is_checked_before_anything_starts() -> None:
    with pytest.raises(BadInput, match=r"^model\.name: 'lenet5' wants .* found samples of shape 1x8x8$"):
        Lenet5.check(trial("digits", Lenet5Config()), REGISTRIES)
    Fc.check(trial("digits", FcConfig()), REGISTRIES)


@pytest.mark.parametrize(("batch_size", "fits"), [(64, True), (1, False), (2000, True), ("one less", False)])
def test_batch_norm_refuses_a_batch_of_one(batch_size: int | str, fits: bool) -> None:
    samples = DATA.get("digits").facts(DATA.get("digits").Config()).train_samples
    size = samples - 1 if isinstance(batch_size, str) else batch_size  # leaves one sample for the last batch
    for model in (MlpConfig(batch_norm=True), MODELS.get("resnet18").Config()):
        normalised = trial("digits", model, size)
        if fits:
            MODELS.get(model.name).check(normalised, REGISTRIES)
        else:
            line = rf"^training\.batch_size: {samples:,} samples in batches of {size} leave a batch of one, "
            with pytest.raises(BadInput, match=line):
                MODELS.get(model.name).check(normalised, REGISTRIES)
    for model in (MlpConfig(), MlpConfig(hidden=(), batch_norm=True)):
        Mlp.check(trial("digits", model, size), REGISTRIES)


@pytest.mark.parametrize("name", MODELS.names())
def test_batch_norm_is_said_where_there_is_some(name: str) -> None:
    model: type[Model] = MODELS.get(name)
    with torch.device("meta"):
        network = model.build(model.Config(), COLOUR, 10)
    assert model.batch_norm(model.Config()) == any(isinstance(m, nn.BatchNorm2d) for m in network.modules())


@pytest.mark.parametrize(
    ("config", "raw", "message"),
    [
        (MlpConfig, {"hidden": [300, 0]}, "model.hidden.1: found 0, allowed: at least 1"),
        (MlpConfig, {"dropout": 1.0}, "model.dropout: found 1.0, allowed: below 1"),
        (MlpConfig, {"hiden": [3]}, "model.hiden: unknown key 'hiden'; did you mean 'hidden'?"),
        (MlpConfig, {"activation": "gelu"}, "model.activation: found 'gelu', allowed: 'relu', 'tanh' or 'sigmoid'"),
        (FcConfig, {"n_layers": 0}, "model.n_layers: found 0, allowed: at least 1"),
        (FcConfig, {"width_scale": 0.0}, "model.width_scale: found 0.0, allowed: above 0"),
        (
            FcConfig,
            {"init": "lecun"},
            "model.init: found 'lecun', allowed: 'default', 'kaiming', 'xavier', 'glorot', 'lux' or",
        ),
    ],
)
def test_impossible_settings(config: type[ModelConfig], raw: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_model(config, raw, key="model")
    assert str(caught.value).startswith(message)
