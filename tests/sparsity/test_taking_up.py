"""What a ticket gives a network that is not quite its own, and which one of a folder is meant."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sparsetune.base.errors import BadInput
from sparsetune.base.paths import TICKET
from sparsetune.sparsity.taking_up import TakenUp, permute
from sparsetune.sparsity.ticket_source import digest_of, file_of
from sparsetune.testing.tickets import lottery
from sparsetune.training.session import TrainingSession


def network(*sizes: int, bias: bool = True) -> dict[str, Tensor]:
    """Weights and buffers of linear layers: 0, 1, ..."""
    torch.manual_seed(sum(sizes))
    return nn.Sequential(*(nn.Linear(n, m, bias) for n, m in pairwise(sizes))).state_dict()


def taken(state: dict[str, Tensor]) -> TakenUp:
    masks = {name: torch.arange(value.numel()).reshape(value.shape) % 2 == 0 for name, value in state.items()}
    return TakenUp(state, {name: mask for name, mask in masks.items() if name.endswith("weight")})


@pytest.mark.parametrize("bias", [True, False])
def test_another_number_of_classes_has_a_new_dense_classifier(bias: bool) -> None:
    mine, own = network(4, 3, 10, bias=bias), network(4, 3, 7, bias=bias)
    fitting = taken(mine).fitting(own, ["0.weight", "1.weight"])
    assert fitting.masks.keys() == {"0.weight"}
    assert fitting.state.keys() == own.keys()
    for name, value in fitting.state.items():
        assert torch.equal(value, (own if name.startswith("1") else mine)[name])


def test_the_same_number_keeps_its_classifier() -> None:
    mine, own = network(4, 3, 10), network(4, 3, 10)
    fitting = taken(mine).fitting(own, ["0.weight", "1.weight"])
    assert fitting.masks.keys() == {"0.weight", "1.weight"}
    assert all(torch.equal(fitting.state[name], mine[name]) for name in own)


@pytest.mark.parametrize(
    ("own", "line"),
    [
        (network(4, 5, 10), "its tensor '0.weight' is 3x4, the network's 5x4"),
        (network(6, 3, 10), "its tensor '0.weight' is 3x4, the network's 3x6"),
        (network(4, 3, 10, 2), "it has no tensor '2.weight', which the network has"),
        (network(4, 3), "its tensor '1.bias' is not in the network"),
        ({**network(4, 3, 10), "scale": torch.tensor(1.0)}, "it has no tensor 'scale', which the network has"),
    ],
)
def test_what_does_not_fit(own: dict[str, Tensor], line: str) -> None:
    prunable = [name for name in own if name.endswith("weight")]
    with pytest.raises(BadInput) as caught:
        taken(network(4, 3, 10)).fitting(own, prunable)
    assert str(caught.value) == f"method.source: the ticket does not fit: {line}"


def test_a_permutation_keeps_as_many_and_goes_through_all_layers() -> None:
    """Of 30 and 70 weights 30 and 0 are kept; drawn 200 times, each is kept in 30 % of them."""
    session = TrainingSession.of(nn.Linear(1, 1))
    counts = torch.zeros(100)
    for seed in range(200):
        torch.manual_seed(seed)
        session.masks = {"a": torch.ones(5, 6, dtype=torch.bool), "b": torch.zeros(70, dtype=torch.bool)}
        permute(session)
        drawn = torch.cat([mask.flatten() for mask in session.masks.values()])
        assert (drawn.sum(), session.masks["a"].shape) == (30, (5, 6))
        counts += drawn
    assert (counts / 200 - 0.3).abs().max() < 0.15  # four standard deviations of a binomial share: 0.13
    assert counts[:30].mean() / 200 == pytest.approx(0.3, abs=0.03)


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two levels of two seeds, and of another arm with one of them."""
    root = tmp_path_factory.mktemp("several")
    for seed in (1, 2):
        lottery(root / "both" / f"seed {seed}", seed=seed)
    shot = {"name": "lottery", "levels": 2, "arm": "one_shot"}
    lottery(root / "arms" / "shot", seed=1, method=shot)
    lottery(root / "arms" / "chain", seed=1)
    return root


def test_which_of_a_folder(several: Path) -> None:
    both = several / "both"
    assert file_of(both, 2, 1).is_relative_to(both / "seed 1")
    assert re.search("level_1", str(file_of(both, 1, 2).relative_to(both / "seed 2")))
    assert file_of(both / "seed 1", 1, 77) == file_of(both, 1, 1), "of one seed, it is for all"
    file = both / "seed 1" / TICKET
    assert file_of(file, None, 5) == file_of(file, 2, 5) == file


@pytest.mark.parametrize(
    ("place", "level", "seed", "line"),
    [
        ("both", None, 1, "method.level: missing: which of the levels of PLACE; allowed: 1, 2"),
        ("both", 3, 1, "method.level: found 3, allowed: 1, 2, of which PLACE has tickets"),
        ("both", 1, 5, "seed: found 5, allowed: 1, 2, of which PLACE has tickets"),
        ("both/seed 1/ticket.safetensors", 1, 1, "method.level: found 1, allowed: 2, of which PLACE has tickets"),
        ("arms", 2, 1, "PLACE: method.source: has tickets of several arms, one_shot, ticket: name the folder of one"),
        ("arms/x", 2, 1, "PLACE: no such file"),
    ],
)
def test_one_that_is_not_there(several: Path, place: str, level: int | None, seed: int, line: str) -> None:
    with pytest.raises(BadInput) as caught:
        file_of(several / place, level, seed)
    assert str(caught.value).startswith(line.replace("PLACE", str(several / place)))


def test_content_is_told_apart_wherever_it_lies(several: Path, tmp_path: Path) -> None:
    file = several / "both" / "seed 1" / TICKET
    copy = tmp_path / "x.safetensors"
    copy.write_bytes(file.read_bytes())
    assert digest_of(copy) == digest_of(file) != digest_of(several / "both" / "seed 2" / TICKET)
    assert len({digest_of(several / "both"), digest_of(several / "both" / "seed 1"), digest_of(file)}) == 3
