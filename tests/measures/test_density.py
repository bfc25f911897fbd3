"""Non-zeros, by hand."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from sparsetune.measures.density import Remains, remains

PRUNABLE = ("0.weight", "3.weight")


def network() -> nn.Sequential:
    """Weights 2 x 9 and 4 x 2, biases 2 and 4, BatchNorm 2 + 2: 36 parameters; of them 10 + 4 + 0 + 4 + 2 + 0 kept."""
    built = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 4))
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.fill_(1)
        built[0].weight.view(-1)[:8] = 0
        built[3].weight[0] = torch.tensor([0.0, -0.0])
        built[3].weight[1] = 0
        built[0].bias.zero_()
        built[1].bias.zero_()
    return built


def test_by_hand() -> None:
    found = remains(network(), PRUNABLE)
    assert found.density_by_layer == {"0.weight": 10 / 18, "3.weight": 4 / 8}
    assert (found.prunable_kept, found.prunable_parameters) == (14, 26)
    assert found.density == 14 / 26
    assert (found.kept, found.parameters) == (20, 36)
    assert found.compression_ratio == 36 / 20


def test_a_mask_is_believed_whatever_the_values_are() -> None:
    """A kept weight may be zero, a removed one need not be."""
    mask = torch.zeros(4, 2, dtype=torch.bool)
    mask[0] = mask[3, 1] = True
    found = remains(network(), PRUNABLE, {"3.weight": mask})
    assert found.nonzeros == {"0.weight": 10, "0.bias": 0, "1.weight": 2, "1.bias": 0, "3.weight": 3, "3.bias": 4}


def test_a_dead_and_an_unprunable_network() -> None:
    dead = network()
    for parameter in dead.parameters():
        parameter.data.zero_()
    found = remains(dead, PRUNABLE)
    assert (found.density, found.compression_ratio) == (0, 36)
    assert remains(network(), ()).density == 1


def test_shared_weights_count_once() -> None:
    tied = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    tied[1].weight = tied[0].weight
    assert remains(tied, ("0.weight",)).parameters == 9


@pytest.mark.parametrize("given", [(("0.weigth",), {}), (("0.weight",), {"4.weight": torch.ones(1)})])
def test_an_unknown_name(given: tuple[tuple[str, ...], dict[str, torch.Tensor]]) -> None:
    with pytest.raises(KeyError, match=r"no parameter of this network: (0\.weigth|4\.weight)"):
        remains(network(), *given)


def test_the_device_is_waited_for_once(waits: Callable[[Callable[[], Remains]], int]) -> None:
    assert waits(lambda: remains(network(), PRUNABLE)) == 1
