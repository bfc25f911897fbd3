"""Weights that a model starts from: what is found, what fits, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from sparsetune.app import inputs
from sparsetune.base.errors import BadInput
from sparsetune.base.paths import Project
from sparsetune.config.base import places
from sparsetune.models import MODELS
from sparsetune.models.contract import Model, ModelConfig
from sparsetune.models.mlp import Mlp, MlpConfig
from sparsetune.models.vit_b_16 import VitB16
from sparsetune.models.weights import torchvision_weights
from sparsetune.testing.trained import trial_config
from sparsetune.training.registries import REGISTRIES

GREY, COLOUR = (1, 28, 28), (3, 32, 32)


def model(name: str) -> type[Model]:
    found: type[Model] = MODELS.get(name)
    return found


def config(name: str, **settings: Any) -> ModelConfig:
    return model(name).Config(**settings)


def build(name: str, input_shape: tuple[int, ...] = GREY, outputs: int = 10, **settings: Any) -> nn.Module:
    return model(name).build(config(name, **settings), input_shape, outputs)


def refused(name: str, state: dict[str, Tensor], path: Path, **settings: Any) -> str:
    save_file(state, path)
    with pytest.raises(BadInput) as caught:
        build(name, weights=str(path), **settings)
    assert caught.value.key == "model.weights"
    return caught.value.problem


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "start.safetensors"


def test_a_file_is_found_from_the_projects_root(path: Path) -> None:
    save_file({"a": torch.zeros(1)}, path)
    for written in (path.name, str(path), f"../{path.parent.name}/{path.name}"):
        located = model("fc").locate(config("fc", weights=written), path.parent)
        assert located.weights == str(path)
        assert places(located) == {"weights": str(path)}
    assert model("fc").locate(config("fc"), path.parent) == config("fc")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "too small"), (b"not a header, but long enough", "header")],
)
def test_a_file_that_is_broken(content: bytes, reason: str, path: Path) -> None:
    path.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        model("fc").locate(config("fc", weights=path.name), path.parent)
    assert str(caught.value).startswith(f"model.weights: {path} is not a sound safetensors file: ")
    assert reason in str(caught.value)


def test_a_file_that_is_missing(path: Path) -> None:
    with pytest.raises(BadInput, match=f"model.weights: there is no file {path}"):
        model("fc").locate(config("fc", weights=path.name), path.parent)


def test_a_file_that_was_cut_short(path: Path) -> None:
    save_file({"a": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BadInput, match="is not a sound safetensors file"):
        model("fc").locate(config("fc", weights=path.name), path.parent)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not a sound safetensors file"):
        model("fc").locate(config("fc", weights="./"), tmp_path)


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "start.pt")
    with pytest.raises(BadInput, match="is not a sound safetensors file"):
        model("fc").locate(config("fc", weights="start.pt"), tmp_path)


def test_names_of_torchvisions_weights(tmp_path: Path) -> None:
    located = model("resnet50").locate(config("resnet50", weights="IMAGENET1K_V2"), tmp_path)
    assert located.weights == "IMAGENET1K_V2"
    with pytest.raises(BadInput) as caught:
        model("resnet18").locate(config("resnet18", weights="IMAGENET1K_V2"), tmp_path)
    assert (caught.value.found, caught.value.allowed) == ("IMAGENET1K_V2", "DEFAULT, IMAGENET1K_V1")
    assert str(caught.value) == (
        "model.weights: unknown weights 'IMAGENET1K_V2'; did you mean 'IMAGENET1K_V1'? (allowed: DEFAULT, "
        "IMAGENET1K_V1); a file's name ends in .safetensors"
    )


@pytest.mark.parametrize(("name", "settings"), [("lenet5", {}), ("resnet20", {}), ("vgg16", {"batch_norm": True})])
def test_models_that_torchvision_has_no_weights_for(name: str, settings: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        model(name).locate(config(name, weights="IMAGENET1K_V1", **settings), tmp_path)
    assert str(caught.value) == (
        f"model.weights: found 'IMAGENET1K_V1', allowed: a .safetensors file for {name!r} as it is set"
    )
    located = model("vgg16").locate(config("vgg16", weights="IMAGENET1K_V1", batch_norm=False), tmp_path)
    assert located.weights == "IMAGENET1K_V1"


def test_only_the_last_layer_may_have_another_size(path: Path) -> None:
    trained = build("lenet5").state_dict()
    save_file(trained, path)
    network = build("lenet5", outputs=3, weights=str(path)).state_dict()
    assert network["linear3.weight"].shape == (3, 84)
    assert all(torch.equal(network[name], trained[name]) for name in trained if not name.startswith("linear3"))
    narrow = {**trained, "linear3.weight": torch.zeros(10, 83)}
    assert refused("lenet5", narrow, path) == f"{path}: tensor 'linear3.weight' is 10x83, the network's 10x84"
    other = {**trained, "linear3.weight": torch.zeros(3, 83), "linear3.bias": torch.zeros(3)}
    assert refused("lenet5", other, path) == f"{path}: tensor 'linear3.weight' is 3x83, the network's 10x84"
    half = {**trained, "linear3.weight": torch.zeros(5, 84)}  # the bias is still that of 10
    assert refused("lenet5", half, path) == f"{path}: tensor 'linear3.weight' is 5x84, the network's 10x84"


def test_a_last_layer_without_bias(path: Path) -> None:
    """A linear model is its last layer."""
    save_file(build("mlp", hidden=()).state_dict(), path)
    assert build("mlp", outputs=3, hidden=(), weights=str(path))(torch.zeros(1, *GREY)).shape == (1, 3)


def test_tensors_that_do_not_fit(path: Path) -> None:
    state = build("lenet5").state_dict()

    def problem(**changed: Tensor | None) -> str:
        mixed = {**state, **{name.replace("__", "."): value for name, value in changed.items()}}
        return refused("lenet5", {name: value for name, value in mixed.items() if value is not None}, path)

    wide = problem(linear1__weight=torch.zeros(120, 401))
    assert wide == f"{path}: tensor 'linear1.weight' is 120x401, the network's 120x400"
    assert problem(conv2__bias=None) == f"{path}: tensor 'conv2.bias' is missing"
    assert problem(linear3__bias=None) == f"{path}: tensor 'linear3.bias' is missing"
    assert problem(extra=torch.zeros(1)) == f"{path}: tensor 'extra' is not in this network"
    whole = problem(conv1__bias=torch.zeros(6, dtype=torch.int64))
    assert whole == f"{path}: tensor 'conv1.bias' holds torch.int64, the network's torch.float32"
    infinite = problem(conv1__bias=torch.full((6,), torch.inf))
    assert infinite == f"{path}: tensor 'conv1.bias' has values that are not finite"
    assert problem(conv1__weight=torch.zeros(6, 3, 5, 5)) == (
        f"{path}: tensor 'conv1.weight' is 6x3x5x5, the network's 6x1x5x5; "
        "the first layer has to fit the data's channels"
    )


def test_weights_of_half_precision_become_float32(path: Path) -> None:
    trained = build("lenet5").half().state_dict()
    save_file(trained, path)
    network = build("lenet5", weights=str(path)).state_dict()
    assert all(value.dtype == torch.float32 and torch.equal(value, trained[n].float()) for n, value in network.items())


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where torch.hub looks before it downloads."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    checkpoints = tmp_path / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    return checkpoints


def put(state: dict[str, Tensor], hub: Path, name: str, weights: str = "IMAGENET1K_V1") -> None:
    torch.save(state, hub / torchvision_weights(name)[weights].url.rpartition("/")[2])


def test_torchvisions_weights_come_through_its_cache(hub: Path) -> None:
    trained = build("resnet18", COLOUR, 1000, stem="imagenet").state_dict()
    without_counters = {n: v for n, v in trained.items() if not n.endswith("num_batches_tracked")}  # as older files are
    put(without_counters, hub, "resnet18")
    network = build("resnet18", COLOUR, stem="imagenet", weights="IMAGENET1K_V1").state_dict()
    assert network["fc.weight"].shape == (10, 512)
    assert all(torch.equal(network[name], trained[name]) for name in trained if not name.startswith("fc"))
    with pytest.raises(BadInput) as caught:
        build("resnet18", COLOUR, weights="IMAGENET1K_V1")
    assert str(caught.value) == (
        "model.weights: IMAGENET1K_V1: tensor 'conv1.weight' is 64x3x7x7, the network's 64x3x3x3; the first layer has "
        "to fit the data's channels"
    )


def test_names_in_torchvisions_older_files(hub: Path) -> None:
    trained = build("densenet121", COLOUR, 10).state_dict()
    older = {
        name.replace("norm1.", "norm.1.").replace("conv2.", "conv.2.") if "denselayer" in name else name: value
        for name, value in trained.items()
    }
    put(older, hub, "densenet121")
    network = build("densenet121", COLOUR, weights="IMAGENET1K_V1").state_dict()
    assert all(torch.equal(network[name], trained[name]) for name in trained)


def test_names_in_older_files_of_vit(path: Path) -> None:
    small = {"input_shape": (3, 32, 32), "width_scale": 1 / 64}
    trained = build("vit_b_16", **small).state_dict()
    older = {n.replace(".mlp.0.", ".mlp.linear_1.").replace(".mlp.3.", ".mlp.linear_2."): v for n, v in trained.items()}
    assert set(older) != set(trained)
    save_file(older, path)
    network = build("vit_b_16", **small, weights=str(path)).state_dict()
    assert all(torch.equal(network[name], trained[name]) for name in trained)
    save_file(trained, path)
    config = VitB16.Config(weights=str(path), width_scale=1 / 64)
    with pytest.raises(BadInput, match=r"tensor 'encoder.pos_embedding' is 1x5x12, the network's 1x10x12$"):
        VitB16.build(config, (3, 48, 48), 10)


def test_a_download_that_fails_is_one_line(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens at the proxy."""
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    with pytest.raises(BadInput) as caught:
        build("resnet18", COLOUR, stem="imagenet", weights="IMAGENET1K_V1")
    url = torchvision_weights("resnet18")["IMAGENET1K_V1"].url
    assert str(caught.value).startswith(f"model.weights: IMAGENET1K_V1 cannot be had from {url}: ")
    assert "\n" not in str(caught.value)


def test_a_cached_file_that_is_broken_or_runs_code(hub: Path) -> None:
    name = torchvision_weights("resnet18")["IMAGENET1K_V1"].url.rpartition("/")[2]
    (hub / name).write_bytes(b"not a checkpoint")
    with pytest.raises(BadInput, match="IMAGENET1K_V1 cannot be had from"):
        build("resnet18", COLOUR, stem="imagenet", weights="IMAGENET1K_V1")
    torch.save(nn.Linear(1, 1), hub / name)  # a pickled object, not tensors
    with pytest.raises(BadInput, match="IMAGENET1K_V1 cannot be had from"):
        build("resnet18", COLOUR, stem="imagenet", weights="IMAGENET1K_V1")


def test_weights_that_do_not_fit_are_refused_before_anything_starts(tmp_path: Path) -> None:
    """By a study's or a run's preparation, not by each worker."""
    save_file(Mlp.build(MlpConfig(hidden=(7,)), (1, 8, 8), 10).state_dict(), tmp_path / "other.safetensors")
    trial = trial_config("dense", {"name": "mlp", "hidden": [5], "weights": str(tmp_path / "other.safetensors")})
    places = inputs.locate(trial, Project(tmp_path), REGISTRIES, "x.yaml")
    with pytest.raises(BadInput, match=r"x\.yaml: model\.weights: .*'linear1.weight' is 7x64, the network's 5x64"):
        inputs.prepare(trial, places, REGISTRIES, "x.yaml", lambda done, total: None)
