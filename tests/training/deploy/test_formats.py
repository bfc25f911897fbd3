"""Files of networks, loaded where nobody knows SparseTune, give what the networks give here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from sparsetune.base.errors import BadInput
from sparsetune.data import load_dataset
from sparsetune.training.deploy.deployed import Deployed, deployed
from sparsetune.training.deploy.format import ABOUT
from sparsetune.training.deploy.formats import FORMATS
from sparsetune.training.deploy.onnx_graph import refuse_missing_packages
from sparsetune.training.registries import REGISTRIES

from .cases import CASES, trained

SIZES = (1, 7, 33)  # of batches; the network was exported with 2
TOLERANCE = 1e-5  # of outputs around 1; the graphs are the same, and other kernels sum in another order


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Deployed, torch.Tensor]]:
    """With samples as their data have them."""
    made = {}
    for name, changes in CASES.items():
        config, weights, outcome = trained(tmp_path_factory.mktemp(name), **changes)
        val = load_dataset(config.data).val
        made[name] = deployed(config, weights, REGISTRIES, outcome.notes["split"]), val.store[val.rows[: max(SIZES)]]
    return made


def written(folder: Path, name: str, format: str, network: Deployed, samples: torch.Tensor) -> None:
    """The network's file, and beside it samples with what the network makes of them, batch by batch."""
    kind = FORMATS.get(format)
    (folder / f"{name}{kind.suffix}").write_bytes(kind.content(network, network.words))
    outputs = {f"outputs_{size}": network.network(samples[:size]).numpy() for size in SIZES}
    np.savez(folder / f"{name}.npz", samples=samples.numpy(), **outputs)


def elsewhere(code: str, folder: Path) -> Any:
    """What a process says that starts in an empty folder and sees installed packages alone."""
    lines = [code, "assert not any(name.startswith('sparsetune') for name in sys.modules)", "print(json.dumps(said))"]
    command = [sys.executable, "-I", "-W", "error", "-c", "\n".join(lines), str(folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


COMPARE = """
import json, sys
from pathlib import Path
import numpy as np
def differences(path, network):
    with np.load(path.with_suffix(".npz")) as known:
        sizes = [int(name.removeprefix("outputs_")) for name in known if name != "samples"]
        pairs = [(network(known["samples"][:size]), known[f"outputs_{size}"]) for size in sizes]
    assert all(one.shape == other.shape for one, other in pairs)
    return [float(np.abs(one - other).max() / max(1, np.abs(other).max())) for one, other in pairs]
"""

TORCH = f"""
{COMPARE}
import torch
said = {{}}
for path in sorted(Path(sys.argv[1]).glob("*.pt2")):
    extra = {{"sparsetune.json": ""}}
    network = torch.export.load(path, extra_files=extra).module()
    different = differences(path, lambda samples: network(torch.from_numpy(samples)).numpy())
    said[path.stem] = different, json.loads(extra["sparsetune.json"])
"""

ONNX = f"""
{COMPARE}
import onnxruntime
(path,) = Path(sys.argv[1]).glob("*.onnx")
session = onnxruntime.InferenceSession(path)
words = session.get_modelmeta().custom_metadata_map["sparsetune"]
shapes = [each.shape for each in (*session.get_inputs(), *session.get_outputs())]
said = differences(path, lambda samples: session.run(None, {{"samples": samples}})[0]), json.loads(words), shapes
"""


def test_torch_s_files_are_loaded_without_us(
    networks: dict[str, tuple[Deployed, torch.Tensor]], tmp_path: Path
) -> None:
    for name, (network, samples) in networks.items():
        written(tmp_path, name, "torch", network, samples)
    said = elsewhere(TORCH, tmp_path)
    assert said.keys() == CASES.keys()
    for name, (differences, words) in said.items():
        assert max(differences) < TOLERANCE, name
        assert words == networks[name][0].words
        content = (tmp_path / f"{name}.pt2").read_bytes()
        assert str(Path(__file__).parents[3]).encode() not in content, "where the code lies is nobody's business"


@pytest.mark.parametrize("name", CASES)
def test_onnx_files_are_loaded_without_us(
    name: str, networks: dict[str, tuple[Deployed, torch.Tensor]], tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    network, samples = networks[name]
    written(tmp_path, name, "onnx", network, samples)
    differences, words, (taken, made) = elsewhere(ONNX, tmp_path)
    assert max(differences) < TOLERANCE
    assert words == network.words
    assert (taken, made) == (["batch", *samples.shape[1:]], ["batch", network.output.shape[1]])
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.onnx", f"{name}.npz"}, "weights lie in the file"
    assert str(Path(__file__).parents[3]).encode() not in (tmp_path / f"{name}.onnx").read_bytes()


def test_tensors_and_words_are_enough_to_compute(
    networks: dict[str, tuple[Deployed, torch.Tensor]], tmp_path: Path
) -> None:
    """A multilayer perceptron in numpy, made of nothing but the file."""
    network, samples = networks["mlp"]
    path = tmp_path / "mlp.safetensors"
    path.write_bytes(FORMATS.get("safetensors").content(network, network.words))
    with safetensors.safe_open(path, "np") as file:
        words = json.loads(file.metadata()[ABOUT])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
    assert (words["shape"], words["type"]) == ([1, 8, 8], "uint8")
    assert words["scaling"]["formula"] == "(value - shift) / scale"
    values = (samples.numpy().reshape(len(samples), -1) - words["scaling"]["shift"]) / words["scaling"]["scale"]
    hidden = values @ tensors["linear1.weight"].T - tensors["norm1.running_mean"]
    hidden *= tensors["norm1.weight"] / np.sqrt(tensors["norm1.running_var"] + 1e-5)
    hidden = np.maximum(hidden + tensors["norm1.bias"], 0)
    outputs = hidden @ tensors["linear2.weight"].T + tensors["linear2.bias"]
    np.testing.assert_allclose(outputs, network.network(samples).numpy(), rtol=1e-4, atol=1e-4)


def test_what_is_missing_is_said_with_the_line_to_type() -> None:
    with pytest.raises(BadInput) as refused:
        refuse_missing_packages(("json", "onnx_that_nobody_has"))
    assert str(refused.value) == "format: onnx wants onnx_that_nobody_has: pip install 'sparsetune[onnx]'"


def test_what_torch_cannot_export_is_an_error_and_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    class ByValue(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return inputs.relu() if inputs.sum() > 0 else inputs

    zeros = torch.zeros(2, 3)
    network = Deployed(ByValue(), zeros.numpy(), zeros.numpy(), {}, zeros)
    with pytest.raises(Exception, match="data-dependent"):
        FORMATS.get("torch").content(network, {})
    assert capsys.readouterr() == ("", "")
