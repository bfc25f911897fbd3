"""The models: the conformance suite, counts worked by hand, and what they refuse."""

import pytest
import torch
from torch import nn

from sparsetune.config.base import Part
from sparsetune.config.checking import check_model
from sparsetune.config.errors import BadInput
from sparsetune.config.registry import Registries, Registry
from sparsetune.config.trial import Measurement, Training, TrialConfig
from sparsetune.testing.models import CHECKS, Check, ModelCase
from sparsetune.training.data import DATA
from sparsetune.training.models import MODELS
from sparsetune.training.models.lenet5 import Lenet5, Lenet5Config
from sparsetune.training.models.mlp import Mlp, MlpConfig

CASES = {
    "mlp": ModelCase(Mlp, MlpConfig(), (1, 28, 28), 10),
    "linear": ModelCase(Mlp, MlpConfig(hidden=()), (1, 8, 8), 10),
    "mlp with batch_norm": ModelCase(Mlp, MlpConfig(hidden=(32, 16), batch_norm=True), (1, 8, 8), 10),
    "mlp with dropout": ModelCase(Mlp, MlpConfig(hidden=(32,), dropout=0.5), (5,), 3),
    "lenet5": ModelCase(Lenet5, Lenet5Config(), (1, 28, 28), 10),
    "lenet5 in colour": ModelCase(Lenet5, Lenet5Config(), (3, 32, 32), 100),
}
REGISTRIES = Registries(method=Registry("method", {}), data=DATA, model=MODELS)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conformance(check: Check, case: ModelCase) -> None:
    check(case)


def test_the_registry_knows_them() -> None:
    assert [MODELS.get(name) for name in MODELS.names()] == [Lenet5, Mlp]


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("mlp", 784 * 300 + 300 + 300 * 100 + 100 + 100 * 10 + 10),  # 266,610
        ("linear", 64 * 10 + 10),
        ("mlp with batch_norm", 64 * 32 + 2 * 32 + 32 * 16 + 2 * 16 + 16 * 10 + 10),  # BatchNorm holds the bias
        ("mlp with dropout", 5 * 32 + 32 + 32 * 3 + 3),
        ("lenet5", 156 + 2_416 + 48_120 + 10_164 + 850),  # 61,706
    ],
)
def test_parameter_counts(name: str, count: int) -> None:
    assert sum(parameter.numel() for parameter in CASES[name].build().parameters()) == count


def test_the_published_counts() -> None:
    counts = {name: sum(p.numel() for p in CASES[name].build().parameters()) for name in ("mlp", "lenet5")}
    assert counts == {"mlp": 266_610, "lenet5": 61_706}


def test_mlp_computes_what_its_docstring_draws() -> None:
    network = Mlp.build(MlpConfig(hidden=(2,)), (1, 1, 2), 1)
    weights = [[[1.0, -1.0], [2.0, 0.0]], [0.5, -9.0], [[3.0, 1.0]], [0.25]]
    for parameter, values in zip(network.parameters(), weights, strict=True):
        parameter.data = torch.tensor(values)
    # hidden: relu(4 - 1 + 0.5) = 3.5, relu(8 - 9) = 0; output: 3 * 3.5 + 0.25
    assert network(torch.tensor([[[[4.0, 1.0]]]])).item() == 10.75


def test_mlp_order_of_layers() -> None:
    network = Mlp.build(MlpConfig(hidden=(4, 3), batch_norm=True, dropout=0.1), (1, 8, 8), 10)
    block = ["Linear", "BatchNorm1d", "ReLU", "Dropout"]
    assert [type(layer).__name__ for layer in network.children()] == ["Flatten", *block, *block, "Linear"]


def test_lenet5_against_the_same_network_in_functions() -> None:
    network, functional = CASES["lenet5"].build(), nn.functional
    p = dict(network.named_parameters())
    x = CASES["lenet5"].inputs()
    h = functional.max_pool2d(functional.conv2d(x, p["conv1.weight"], p["conv1.bias"], padding=2).relu(), 2)
    h = functional.max_pool2d(functional.conv2d(h, p["conv2.weight"], p["conv2.bias"]).relu(), 2).flatten(1)
    for number in (1, 2, 3):
        h = functional.linear(h, p[f"linear{number}.weight"], p[f"linear{number}.bias"])
        h = h.relu() if number < 3 else h
    torch.testing.assert_close(network(x), h)


def trial(data: str, model: Part, batch_size: int = 64) -> TrialConfig:
    return TrialConfig(
        method=Part(name="dense"),
        data=DATA.get(data).Config(),
        model=model,
        training=Training(batch_size=batch_size),
        metrics=Measurement(),
        seed=0,
    )


def test_lenet5_refuses_small_images() -> None:
    Lenet5.check(trial("mnist", Lenet5Config()), REGISTRIES)
    with pytest.raises(BadInput) as caught:
        Lenet5.check(trial("digits", Lenet5Config()), REGISTRIES)
    assert str(caught.value) == "model.name: 'lenet5' wants images of 28x28 or 32x32 pixels; 'digits' has 8x8"


@pytest.mark.parametrize(("batch_size", "fits"), [(64, True), (1, False), (7, False), (2000, True)])
def test_mlp_refuses_a_batch_of_one_with_batch_norm(batch_size: int, fits: bool) -> None:
    """1,079 = 154 x 7 + 1 samples."""
    normalised = trial("digits", MlpConfig(batch_norm=True), batch_size)
    if fits:
        Mlp.check(normalised, REGISTRIES)
    else:
        with pytest.raises(BadInput, match=rf"^training\.batch_size: 1,079 samples in batches of {batch_size} leave"):
            Mlp.check(normalised, REGISTRIES)
    Mlp.check(trial("digits", MlpConfig(), batch_size), REGISTRIES)
    Mlp.check(trial("digits", MlpConfig(hidden=(), batch_norm=True), batch_size), REGISTRIES)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"hidden": [300, 0]}, "model.hidden.1: found 0, allowed: at least 1"),
        ({"dropout": 1.0}, "model.dropout: found 1.0, allowed: below 1"),
        ({"hiden": [3]}, "model.hiden: unknown key 'hiden'; did you mean 'hidden'?"),
    ],
)
def test_impossible_settings(raw: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_model(MlpConfig, raw, key="model")
    assert str(caught.value).startswith(message)
