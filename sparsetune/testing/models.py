"""What every model must hold; one joins by a row: a :class:`ModelCase`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sparsetune.config.base import Part

BATCH = 16


@dataclass(frozen=True)
class ModelCase:
    """A registered class, a config, and what it is built for."""

    model: Any
    config: Part
    input_shape: tuple[int, ...]
    classes: int

    def build(self) -> nn.Module:
        """The network that seed 0 gives."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network: nn.Module = self.model.build(self.config, self.input_shape, self.classes)
        return network

    def inputs(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """(BATCH, *input_shape) of standard normal values."""
        return torch.randn(BATCH, *self.input_shape, generator=torch.Generator().manual_seed(1)).to(dtype)


Check = Callable[[ModelCase], None]


def gives_a_logit_for_each_class(case: ModelCase) -> None:
    outputs = case.build()(case.inputs())
    assert outputs.shape == (BATCH, case.classes)
    assert outputs.dtype == torch.float32
    assert outputs.isfinite().all()


def backward_reaches_every_parameter(case: ModelCase) -> None:
    network = case.build()
    targets = torch.arange(BATCH) % case.classes
    nn.functional.cross_entropy(network(case.inputs()), targets).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


def the_global_seed_fixes_the_weights(case: ModelCase) -> None:
    first, again = case.build().state_dict(), case.build().state_dict()
    assert list(first) == list(again)
    assert all(torch.equal(first[name], again[name]) for name in first)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        other = case.model.build(case.config, case.input_shape, case.classes).state_dict()
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


CHECKS: list[Check] = [
    gives_a_logit_for_each_class,
    backward_reaches_every_parameter,
    the_global_seed_fixes_the_weights,
    samples_do_not_mix_in_evaluation,
    float64_works,
    state_goes_into_another_build,
    config_survives_plain_values,
]
