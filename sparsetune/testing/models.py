"""What every model must hold; one joins by a row: a :class:`ModelCase`."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from sparsetune.models.contract import Model, ModelConfig
from sparsetune.models.init import INITS
from sparsetune.models.layers import Layer, layers
from sparsetune.testing.checks import checks_in

BATCH = 16


@dataclass(frozen=True)
class ModelCase:
    """A registered class, a config, and what it is built for."""

    model: type[Model]
    config: ModelConfig
    input_shape: tuple[int, ...]
    outputs: int

    def build(self, seed: int = 0, **changed: Any) -> nn.Module:
        """The network that a seed gives, with ``changed`` settings."""
        config = self.config.model_copy(update=changed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.model.build(config, self.input_shape, self.outputs)

    def sketch(self, **changed: Any) -> nn.Module:
        """The network without memory for its tensors."""
        with torch.device("meta"):
            return self.build(**changed)

    def inputs(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """(BATCH, *input_shape) of standard normal values."""
        return torch.randn(BATCH, *self.input_shape, generator=torch.Generator().manual_seed(1)).to(dtype)


Check = Callable[[ModelCase], None]


def gives_a_number_for_each_output(case: ModelCase) -> None:
    outputs = case.build()(case.inputs())
    assert outputs.shape == (BATCH, case.outputs)
    assert outputs.dtype == torch.float32
    assert outputs.isfinite().all()


def backward_reaches_every_parameter(case: ModelCase) -> None:
    network = case.build()
    targets = torch.arange(BATCH) % case.outputs
    nn.functional.cross_entropy(network(case.inputs()), targets).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


def the_global_seed_fixes_the_weights(case: ModelCase) -> None:
    first, again, other = (case.build(seed).state_dict() for seed in (0, 0, 1))
    assert list(first) == list(again)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def samples_do_not_mix_in_evaluation(case: ModelCase) -> None:
    network, inputs = case.build().double().eval(), case.inputs(torch.float64)
    with torch.no_grad():
        together = network(inputs)
        alone = torch.cat([network(inputs[i : i + 1]) for i in range(BATCH)])
    torch.testing.assert_close(together, alone)


def float64_works(case: ModelCase) -> None:
    single, double = case.build().eval(), case.build().double().eval()
    with torch.no_grad():
        outputs = double(case.inputs(torch.float64))
        assert outputs.dtype == torch.float64
        torch.testing.assert_close(single(case.inputs()).double(), outputs, rtol=1e-4, atol=1e-5)


def state_goes_into_another_build(case: ModelCase) -> None:
    trained, fresh = case.build(), case.build()
    trained(case.inputs())  # moves BatchNorm's running numbers
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.add_(0.01)
        fresh.load_state_dict(trained.state_dict())
        assert torch.equal(trained.eval()(case.inputs()), fresh.eval()(case.inputs()))


def config_survives_plain_values(case: ModelCase) -> None:
    assert case.model.Config.model_validate(case.config.model_dump(mode="json")) == case.config


def prunable_tensors_are_the_weights_of_layers(case: ModelCase) -> None:
    """Found here by shape: all others are vectors, or spread over samples or positions."""
    network = case.sketch()
    spread = ("class_token", "pos_embedding", "layer_scale")
    by_shape = [n for n, p in network.named_parameters() if p.ndim > 1 and not n.endswith(spread)]
    names = case.model.prunable(network)
    assert sorted(names) == sorted(by_shape)
    assert len(set(names)) == len(names)
    assert layers(network)[-1].weight.shape[0] == case.outputs


def dropout_sites_lie_in_forward_order(case: ModelCase) -> None:
    """Each once a pass; dropping all that the last one gives leaves nothing to tell samples apart by."""
    sites, network, seen = case.model.dropout_sites(case.config), case.build().eval(), list[str]()
    for site in sites:
        network.get_submodule(site).register_forward_hook(lambda module, inputs, output, site=site: seen.append(site))
    with torch.no_grad():
        assert network(case.inputs()).std(0).max() > 0
        assert tuple(seen) == sites
        if sites:
            network.get_submodule(sites[-1]).register_forward_hook(lambda module, inputs, output: output * 0)
            outputs = network(case.inputs())
            torch.testing.assert_close(outputs, outputs[:1].expand_as(outputs))


def width_scale_changes_what_is_hidden(case: ModelCase) -> None:
    whole, twice, tenth = (layers(case.sketch(width_scale=factor)) for factor in (1.0, 2.0, 0.1))
    for scaled in (twice, tenth):
        assert [layer.name for layer in scaled] == [layer.name for layer in whole]
        assert scaled[0].weight.shape[1:] == whole[0].weight.shape[1:]
        assert scaled[-1].weight.shape[0] == case.outputs
    for layer, doubled in zip(whole[:-1], twice[:-1], strict=True):
        assert doubled.weight.shape[0] == 2 * layer.weight.shape[0], layer.name
    for layer, shrunk in zip(whole[:-1], tenth[:-1], strict=True):
        assert 1 <= shrunk.weight.shape[0] <= max(1, layer.weight.shape[0] // 8), layer.name
    with torch.no_grad():
        assert case.build(width_scale=0.1).eval()(case.inputs()).shape == (BATCH, case.outputs)


def every_init_draws_by_its_rule(case: ModelCase) -> None:
    for init in INITS:
        network, again = case.build(init=init), case.build(init=init).state_dict()
        for name, value in network.state_dict().items():
            assert value.isfinite().all(), (init, name)
            assert torch.equal(value, again[name]), (init, name)
        for layer in layers(network):
            _RULES[init](layer)


def weights_go_into_another_number_of_outputs(case: ModelCase) -> None:
    """Only the last layer is new, and drawn as without weights."""
    trained = case.build(seed=1)
    wider = replace(case, outputs=case.outputs + 1)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "trained.safetensors")
        save_file(trained.state_dict(), path)
        same, other = case.build(weights=path).state_dict(), wider.build(weights=path).state_dict()
    drawn, last = wider.build().state_dict(), layers(trained)[-1].name.removesuffix("weight")
    for name, value in trained.state_dict().items():
        assert torch.equal(same[name], value), name
        assert torch.equal(other[name], drawn[name] if name.startswith(last) else value), name


def _spread(layer: Layer, expected: float, kurtosis: float = 3) -> None:
    """Mean 0 and that deviation, within five standard errors of each."""
    count = layer.weight.numel()
    mean, std = layer.weight.mean().item(), layer.weight.square().mean().sqrt().item()
    assert abs(mean) <= 5 * expected / math.sqrt(count), layer.name
    assert abs(std / expected - 1) <= 5 * math.sqrt((kurtosis - 1) / count) / 2 + 4 / count, layer.name


def _kaiming(layer: Layer) -> None:
    _spread(layer, math.sqrt(2 / layer.fan_in))
    assert layer.bias is None or not layer.bias.any()


def _xavier(layer: Layer) -> None:
    fan_out = layer.weight.numel() // layer.weight.shape[1]
    _spread(layer, math.sqrt(2 / (layer.fan_in + fan_out)))


def _glorot(layer: Layer) -> None:
    _xavier(layer)
    assert layer.bias is None or not layer.bias.any()


def _lux(layer: Layer) -> None:
    gain = {"ReLU": 2.0, "Tanh": 5 / 3}.get(type(layer.follower).__name__, 1.0)
    _spread(layer, gain / math.sqrt(layer.fan_in), kurtosis=1.8)
    assert layer.weight.abs().max() <= gain * math.sqrt(3 / layer.fan_in)
    assert layer.bias is None or layer.bias.abs().max() <= 1 / math.sqrt(layer.fan_in)


def _signed_constant(layer: Layer) -> None:
    size = torch.full_like(layer.weight, math.sqrt(2 / layer.fan_in))
    torch.testing.assert_close(layer.weight.abs(), size)
    assert layer.weight.numel() < 32 or layer.weight.unique().numel() == 2


_RULES: dict[str, Callable[[Layer], None]] = {
    "default": lambda layer: None,
    "kaiming": _kaiming,
    "xavier": _xavier,
    "glorot": _glorot,
    "lux": _lux,
    "signed_constant": _signed_constant,
}

CHECKS: list[Check] = checks_in(globals())
