"""MLflow's format for networks, which its clients load without running pickled code. MLflow enters here, too."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow.pytorch
from mlflow.entities import LoggedModel as LoggedModel  # this and others are here for the files beside this one
from mlflow.entities import LoggedModelOutput as LoggedModelOutput
from mlflow.entities import LoggedModelStatus as LoggedModelStatus
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException as MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec
from numpy.typing import NDArray

from sparsetune.tracking.client import Run


@dataclass(frozen=True)
class Saved:
    """A folder with a network in MLflow's format, and what stands in its ``MLmodel``."""

    folder: Path
    model: Model

    @property
    def words(self) -> dict[str, Any]:
        """What is said of it."""
        return dict(self.model.metadata or {})

    def belongs_to(self, logged: LoggedModel) -> None:
        """Write into it which logged model it is of."""
        self.model.artifact_path = logged.artifact_location
        self.model.model_uuid = self.model.model_id = logged.model_id
        self.model.save(str(self.folder / "MLmodel"))

    def loaded(self) -> Any:
        """The network, as those get it who load it."""
        with _quietly():
            return mlflow.pytorch.load_model(str(self.folder))


def save(
    folder: Path,
    network: Any,
    example: NDArray[Any],
    output: NDArray[Any],
    *,
    run_id: str,
    words: Mapping[str, Any],
    requirements: Sequence[str],
) -> Saved:
    """Export a network, a ``torch.nn.Module``, to a folder that is not there yet, for batches of any size.

    What takes long is the import of torch's compiler and one look at all packages that are installed: once a process.

    Args:
        example: (2, ...) of what it takes; torch.export would fix the size of a batch of one.
        output: (2, ...), what it makes of that.
        words: further facts.
        requirements: pip's, of those who load it; else MLflow would load it in another process to find out.

    Raises:
        Exception: whatever torch.export has against the network.
    """
    model = Model(run_id=run_id, metadata=dict(words))
    with _quietly():
        mlflow.pytorch.save_model(
            network,
            folder,
            mlflow_model=model,
            signature=ModelSignature(_batches(example), _batches(output)),
            input_example=example,
            pip_requirements=list(requirements),
            serialization_format="pt2",
        )
    return Saved(folder, model)


def measured_by(run: Run, model: LoggedModel) -> list[Metric]:
    """The last value of each metric of a run, as one of its model's."""
    return [
        Metric(each.key, each.value, each.timestamp, each.step, model_id=model.model_id, run_id=run.info.run_id)
        for each in run.data.to_proto().metrics
    ]


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what MLflow says of its own type hints, and the graphs that torch prints of what it cannot export."""
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore", UserWarning)
        yield


def _batches(values: NDArray[Any]) -> Schema:
    """Of any size; without a name, for MLflow's servers would pass on named ones in a way that no network takes."""
    return Schema([TensorSpec(values.dtype, (-1, *values.shape[1:]))])
