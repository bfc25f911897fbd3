"""A network in bfloat16 or with channels last takes and gives what it did, for everyone who calls it."""

import copy
import gc
import weakref
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sparsetune.config.trial import Training
from sparsetune.testing.trained import same_state, trial_config
from sparsetune.training.computing import compute_as_asked
from sparsetune.training.optim import make_optimizer
from sparsetune.training.trainer import Trainer

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
MIXED = Training(mixed_precision=True)


def network() -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 1), nn.Flatten(),
            nn.Linear(4 * 6 * 5, 10),
        )  # fmt: skip


def images(dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(16, 3, 6, 5, generator=torch.Generator().manual_seed(1)).to(dtype)


TARGETS = torch.arange(16) % 10


def trained(training: Training, dtype: torch.dtype = torch.float64) -> tuple[nn.Sequential, Tensor]:
    """After five steps, and what it then says."""
    net = network().to(dtype)
    compute_as_asked(net, training, CPU)
    optimizer = make_optimizer(net.parameters(), training)
    for _ in range(5):
        net.zero_grad()
        nn.functional.cross_entropy(net(images(dtype)), TARGETS).backward()
        optimizer.step()
    return net, net(images(dtype))


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_channels_last_changes_where_numbers_lie_and_not_what_they_are(optimizer: str) -> None:
    settings: dict[str, Any] = {"optimizer": optimizer, "weight_decay": 0.1, "lr": 0.01}
    plain, expected = trained(Training(**settings))
    last, found = trained(Training(**settings, channels_last=True))
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-10)
    for name, value in last.state_dict().items():
        torch.testing.assert_close(value, plain.state_dict()[name], rtol=1e-8, atol=1e-10, msg=name)
    assert last[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert not last[0].weight.is_contiguous()
    assert plain[0].weight.is_contiguous()


def test_convolutions_see_their_inputs_with_channels_last() -> None:
    net = network()
    compute_as_asked(net, Training(channels_last=True), CPU)
    seen: list[bool] = []
    for layer in (net[0], net[3]):
        layer.register_forward_pre_hook(
            lambda _, given: seen.append(given[0].is_contiguous(memory_format=torch.channels_last))
        )
    net(images())
    assert seen == [True, True]


def test_channels_last_is_nothing_to_data_that_are_no_images() -> None:
    net, inputs = nn.Linear(3, 2), torch.randn(4, 3)
    expected = net(inputs)
    compute_as_asked(net, Training(channels_last=True), CPU)
    assert torch.equal(net(inputs), expected)


def test_mixed_precision_is_autocast_with_numbers_and_weights_of_float32() -> None:
    """The device is said to be cuda; autocast takes that of the inputs, so it runs here."""
    net, plain = network(), network()
    compute_as_asked(net, MIXED, CUDA)
    inner: list[torch.dtype] = []
    net[3].register_forward_hook(lambda _, given, outputs: inner.append(outputs.dtype))
    found = net(images())
    with torch.autocast("cpu", torch.bfloat16):
        expected = plain(images())
    assert (found.dtype, expected.dtype, inner) == (torch.float32, torch.bfloat16, [torch.bfloat16])
    assert torch.equal(found, expected.float())
    for outputs in (found, expected.float()):
        nn.functional.cross_entropy(outputs, TARGETS).backward()
    for ours, theirs in zip(net.parameters(), plain.parameters(), strict=True):
        assert ours.dtype == ours.grad.dtype == torch.float32
        assert torch.equal(ours.grad, theirs.grad)


def test_what_is_cast_is_what_the_weights_are_now() -> None:
    """Also where a method scores a batch without gradient before it is trained on."""
    net, plain = network(), network()
    compute_as_asked(net, MIXED, CUDA)
    for _ in range(2):
        with torch.no_grad():
            net(images())
            plain(images())  # moves the running means alike
        with torch.autocast("cpu", torch.bfloat16):
            expected = plain(images())
        assert torch.equal(net(images()), expected.float())
        with torch.no_grad():
            for parameter in [*net.parameters(), *plain.parameters()]:
                parameter.mul_(1.5)


def test_a_copy_computes_with_its_own_weights() -> None:
    net = network().eval()
    compute_as_asked(net, Training(mixed_precision=True, channels_last=True), CUDA)
    other = copy.deepcopy(net)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
        assert other(images()).abs().max() == 0
        assert net(images()).abs().max() > 0
    assert list(other.state_dict()) == list(network().state_dict())


@pytest.mark.parametrize(("training", "device"), [(MIXED, CPU), (Training(), CUDA)])
def test_nothing_changes_where_nothing_is_asked_or_on_a_cpu(training: Training, device: torch.device) -> None:
    net, plain = network(), network()
    compute_as_asked(net, training, device)
    assert torch.equal(net(images()), plain(images()))
    assert vars(net).keys() == vars(plain).keys()
    assert not net._forward_pre_hooks
    assert same_state(dict(net.state_dict()), dict(plain.state_dict()))


def test_a_network_is_gone_with_whoever_had_it() -> None:
    """At once, not when cycles are looked for: a GPU has to have room for the next trial's."""
    net = network()
    compute_as_asked(net, Training(mixed_precision=True, channels_last=True), CUDA)
    net(images())
    found = weakref.ref(net)
    gc.disable()
    try:
        del net
        assert found() is None
    finally:
        gc.enable()


def test_work_is_counted_by_the_weights_not_by_their_casts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a shape that no other test has, for what is known of one is kept."""

    def as_on_cuda(net: nn.Module, training: Training, device: torch.device) -> None:
        compute_as_asked(net, training, CUDA)

    monkeypatch.setattr("sparsetune.training.build.compute_as_asked", as_on_cuda)
    trainer = Trainer(trial_config("dense", {"name": "mlp", "hidden": [23]}, epochs=1, mixed_precision=True))
    inner: list[torch.dtype] = []
    trainer.network[1].register_forward_hook(lambda _, given, outputs: inner.append(outputs.dtype))
    next(trainer)
    assert set(inner) == {torch.bfloat16}
    assert trainer.setup.built.anatomy.work.by_layer({}) == {"linear1.weight": 64 * 23, "linear2.weight": 23 * 10}
