"""Networks of a study's runs as MLflow's logged models, found again by tags as runs are, and as registered ones.

They have MLflow's format, which its clients load without running pickled code. A logged model that a kill has left
unfinished is finished by the next attempt: no run gets two.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparsetune.base.errors import BadInput
from sparsetune.base.errors import shown as quoted
from sparsetune.base.failpoints import failpoint
from sparsetune.base.layout.text import listed
from sparsetune.tracking.client import experiment_of, last_steps, pages, run_at
from sparsetune.tracking.library import LoggedModel, MlflowClient, MlflowException, Run, entities
from sparsetune.tracking.limits import TAG, fit
from sparsetune.tracking.notes import NOTE
from sparsetune.tracking.run_keys import STUDY, STUDY_ID, RunKey, run_key_in, runs_of

if TYPE_CHECKING:
    from mlflow.models import Model
    from numpy.typing import NDArray

_LONGEST = 250  # characters of a registered model's name
_APART = "/:@%?#"  # in an address such as models:/NAME/1


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
        import mlflow.pytorch

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
        words: what else is to be said of it.
        requirements: pip's, of those who load it; else MLflow would load it in another process to find out.

    Raises:
        Exception: whatever torch.export has against the network.
    """
    import mlflow.pytorch
    from mlflow.models import Model, ModelSignature
    from mlflow.types import Schema, TensorSpec

    def batches(values: NDArray[Any]) -> Schema:
        """Of any size; without a name: MLflow's servers would pass on named ones in a way that no network takes."""
        return Schema([TensorSpec(values.dtype, (-1, *values.shape[1:]))])

    model = Model(run_id=run_id, metadata=dict(words))
    with _quietly():
        mlflow.pytorch.save_model(
            network,
            folder,
            mlflow_model=model,
            signature=ModelSignature(batches(example), batches(output)),
            input_example=example,
            pip_requirements=list(requirements),
            serialization_format="pt2",
        )
    return Saved(folder, model)


def measured_by(run: Run, model: LoggedModel) -> list[entities.Metric]:
    """The last value of each metric of a run, as one of its model's."""
    return [
        entities.Metric(
            each.key, each.value, each.timestamp, each.step, model_id=model.model_id, run_id=run.info.run_id
        )
        for each in run.data.to_proto().metrics
    ]


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what MLflow says of its own type hints, and the graphs that torch prints of what it cannot export."""
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore", UserWarning)
        yield


class Models:
    """The logged models of one study. Raises what MLflow raises when it is away."""

    def __init__(self, client: MlflowClient, study: str, uid: str) -> None:
        """
        Args:
            study: its name.
            uid: tells the study from others of its name.
        """
        self._client = client
        self._tags = {STUDY: study, STUDY_ID: uid}
        self._mine = runs_of(uid)
        experiment = experiment_of(client, study, self._mine)
        self._experiments = [] if experiment is None else [str(experiment.experiment_id)]
        self._logged = {key: model for model in self._all() if (key := run_key_in(model.tags)) is not None}

    def ready(self, key: RunKey) -> LoggedModel | None:
        """The whole model of the run of that key, if it has one."""
        model = self._logged.get(key)
        return model if model is not None and model.status == entities.LoggedModelStatus.READY else None

    def run(self, key: RunKey) -> Run | None:
        """The run of that key; None where there is none that was not deleted."""
        if not self._experiments:
            return None
        return run_at(self._client, self._experiments, key, self._mine, deleted=False)

    def log(self, key: RunKey, run: Run, saved: Saved) -> LoggedModel:
        """Make what was saved the model of the run of that key."""
        client, run_id = self._client, run.info.run_id
        model = self._logged.get(key) or client.create_logged_model(
            run.info.experiment_id,
            name=re.sub(r"""[/:.%"']""", "_", key.name),
            source_run_id=run_id,
            tags={**self._tags, **key.tags(1), NOTE: fit(_note(saved.words), TAG)},
            params=run.data.params,
        )
        self._logged[key] = model
        failpoint("before-model-files")
        saved.belongs_to(model)
        client.log_model_artifacts(model.model_id, str(saved.folder))
        client.log_batch(run_id, measured_by(run, model))  # those that the run has are not doubled
        outputs = run.outputs.model_outputs if run.outputs is not None else []
        if model.model_id not in {each.model_id for each in outputs}:
            client.log_outputs(
                run_id, [entities.LoggedModelOutput(model.model_id, max(last_steps(run).values(), default=0))]
            )
        failpoint("before-model-ready")
        self._logged[key] = client.finalize_logged_model(model.model_id, entities.LoggedModelStatus.READY)
        return self._logged[key]

    def register(self, name: str, model: LoggedModel, note: str) -> str:
        """Make a logged model a new version of a registered one, which is made if need be; returns its number.

        Raises:
            BadInput: no name that the registry takes.
        """
        refuse_name(name)
        try:
            self._client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        version = self._client.create_model_version(
            name, model.artifact_location, model.source_run_id, description=fit(note, TAG), model_id=model.model_id
        )
        return str(version.version)

    def _all(self) -> Iterator[LoggedModel]:
        search, ids = self._client.search_logged_models, self._experiments
        for page in pages(lambda token: search(ids, self._mine, page_token=token)) if ids else ():
            yield from page


def refuse_name(name: str) -> None:
    """Raise :class:`BadInput` for a name that MLflow's registry, or an address of a model, cannot have."""
    plain = name.isprintable() and name.strip() == name and not set(name).intersection(_APART)
    if not plain or name in ("", ".", "..") or len(name) > _LONGEST:
        allowed = f"1 to {_LONGEST} printable characters, none of them {' '.join(_APART)}"
        raise BadInput(found=quoted(name), allowed=allowed, key="NAME")


def _note(words: Mapping[str, Any]) -> str:
    """In Markdown."""
    return "\n".join(f"- **{name}**: {_short(value)}" for name, value in words.items())


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_short(each)}" for name, each in value.items())
    return listed(value, 12) if isinstance(value, list) else str(value)
