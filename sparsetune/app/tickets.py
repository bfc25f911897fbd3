"""What a ticket's network predicts: rebuilt from the file, on the trial's data and in its way, beside what it said."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from sparsetune.app import inputs, parts
from sparsetune.base.errors import BadInput
from sparsetune.base.messages import Metrics, OwnFile
from sparsetune.base.paths import Project, find_root
from sparsetune.config.base import names_of_places, places
from sparsetune.config.overrides import assign
from sparsetune.config.registry import Registries
from sparsetune.config.trial import TrialConfig, resolve_trial
from sparsetune.data import load_dataset
from sparsetune.data.delivery import delivered
from sparsetune.sparsity.dropout import MC_SAMPLES
from sparsetune.training.build import DTYPES, device_of
from sparsetune.training.left.rebuild import rebuild
from sparsetune.training.left.ticket import About, OfWeights, Ticket, read_ticket
from sparsetune.training.measuring import Measuring
from sparsetune.training.setup import make_task

if TYPE_CHECKING:
    from rich.console import Console

_EXACT = 1e-6  # relative: float32 sums of another processor; one sample more is more than that


@dataclass(frozen=True)
class Evaluation:
    """What a ticket's network gives here.

    Attributes:
        metrics: of its predictions for validation and test data; the ticket has the recorded ones.
        decisive: names of those that have to be as recorded.
        differences: what is otherwise here than where it was trained, a clause each.
        mc_samples: asked for instead of the trial's; None: the trial's own.
    """

    ticket: Ticket
    metrics: Metrics
    decisive: tuple[str, ...]
    differences: tuple[str, ...]
    mc_samples: int | None

    def same(self, name: str) -> bool:
        """Whether a number is as recorded."""
        return math.isclose(self.metrics[name], self.ticket.about.metrics.get(name, math.nan), rel_tol=_EXACT)

    @property
    def reproduced(self) -> bool:
        """Whether accuracy (of a regression the loss) is as recorded, on both splits."""
        return all(self.same(name) for name in self.decisive)


def evaluate_ticket(
    path: Path,
    overrides: Mapping[str, Any],
    *,
    trial: Mapping[str, Any] | None = None,
    mc_samples: int | None,
    own: tuple[OwnFile, ...] = (),
    root: Path | None,
    console: Console,
) -> Evaluation:
    """Rebuild a ticket's network and evaluate it on validation and test data as its trial did.

    Args:
        overrides: dotted names of where the data lie on this machine, such as ``data.root``.
        trial: its trial's config, which says where the data lay; a ticket holds no paths.
        mc_samples: average over so many networks instead of as many as the trial did.
        own: files of the user's own that its config needs.
        root: the project; else found upward from the ticket, else from the current folder.

    Raises:
        BadInput: no sound ticket, no data, or a network that cannot be drawn again here.
    """
    ticket, registries = read_ticket(path), parts.registries(own)
    if isinstance(ticket.about, OfWeights):
        problem = (
            "holds the weights that a training begins with: there is nothing to evaluate before they are trained; "
            "sparsetune ticket transfer TICKET CONFIG does"
        )
        raise BadInput(problem, source=path, code="conflict")
    try:
        config = _config(ticket.about, overrides, trial or {}, mc_samples, registries)
        prepared = inputs.ready(config, Project(_root(path, root)), registries, path, console)
        for remark in prepared.remarks:
            parts.warner(console)(remark)
        here = resolve_trial(assign(config.plain(), prepared.places), registries)
        return _evaluated(ticket, here, mc_samples, registries, console)
    except BadInput as error:
        raise error.located(source=path) from None


def _config(
    about: About, overrides: Mapping[str, Any], trial: Mapping[str, Any], mc_samples: int | None, registries: Registries
) -> TrialConfig:
    """The trial's, for this machine."""
    gpu = about.device == "cuda" and torch.cuda.is_available()
    asked = {} if mc_samples is None else {MC_SAMPLES: mc_samples}
    values = {**_where(about, trial, registries), **overrides, **asked, "training.device": "cuda" if gpu else "cpu"}
    config = resolve_trial(assign(about.config, values), registries)
    allowed = [f"data.{name}" for name in places(config.data)]
    for name in overrides:
        if name not in allowed:
            said = ", ".join(allowed) or f"nothing with {config.data.name!r}"
            raise BadInput(key="--set", found=name, allowed=f"with a ticket {said}")
    return config


def _where(about: About, trial: Mapping[str, Any], registries: Registries) -> dict[str, Any]:
    """Where the trial's data lay, by dotted name."""
    data, name = trial.get("data"), about.config["data"]["name"]
    if not isinstance(data, Mapping) or data.get("name") != name:
        return {}
    fields = names_of_places(registries.data.get(name).Config)
    return {f"data.{field}": data[field] for field in fields if data.get(field) is not None}


def _evaluated(
    ticket: Ticket, config: TrialConfig, mc_samples: int | None, registries: Registries, console: Console
) -> Evaluation:
    about, training = ticket.about, config.training
    torch.set_num_threads(about.threads)  # as the trial: sums depend on it
    device = device_of(training.device)
    scaled = load_dataset(config.data, registries.data).scaled_by(about.pixels)
    dtype = DTYPES[training.dtype]
    data, _ = delivered(scaled, device, dtype, training.data_share)
    here, there = ((each.input_shape, each.outputs, each.task) for each in (data, about))
    if here != there:
        raise BadInput(f"its network is for other data: {_samples(*there)}, here {_samples(*here)}", key="data")
    task = make_task(data, training, device, dtype)
    built = rebuild(ticket, config, device, registries)
    with _shown(built.network, len(data.val) + len(data.test), console):
        metrics = Measuring(config, built, data, task, registries).predicting()
    decisive = tuple(f"{split}_{task.names[-1]}" for split in ("val", "test"))
    return Evaluation(ticket, metrics, decisive, _differences(about, data.digest, device), mc_samples)


@contextmanager
def _shown(network: nn.Module, samples: int, console: Console) -> Iterator[None]:
    """A bar of the samples that go through a network within, where it takes longer than a moment."""
    done = 0
    with inputs.progress_bar(console, "evaluating", "") as progress:

        def look(module: nn.Module, batch: tuple[torch.Tensor, ...]) -> None:
            nonlocal done
            progress(done, samples)
            done += len(batch[0])

        hook = network.register_forward_pre_hook(look)
        try:
            yield
        finally:
            hook.remove()


def _differences(about: About, split: str, device: torch.device) -> tuple[str, ...]:
    pairs = {
        "data or their division": (split, about.split),
        "torch": (torch.__version__, about.torch),
        "device": (device.type, about.device),
    }
    return tuple(f"{what}: {here} here, {there} there" for what, (here, there) in pairs.items() if here != there)


def _samples(shape: tuple[int, ...], outputs: int, task: str) -> str:
    return f"{task} of {' x '.join(map(str, shape))}, {outputs} outputs"


def _root(path: Path, root: Path | None) -> Path:
    """The project's; without one, what is here."""
    if root is not None:
        return find_root(root)
    try:
        return find_root(path, Path())
    except BadInput:
        return Path.cwd()
