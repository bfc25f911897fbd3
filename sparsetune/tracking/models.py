"""Networks of a study's runs as MLflow's logged models, found again by tags as runs are, and as registered ones.

A logged model that a kill has left unfinished is finished by the next attempt: no run gets two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sparsetune.base.errors import BadInput
from sparsetune.base.errors import shown as quoted
from sparsetune.base.failpoints import failpoint
from sparsetune.base.layout.text import listed
from sparsetune.tracking.client import MlflowClient, Run, experiment_of, last_steps, run_at
from sparsetune.tracking.flavor import (
    LoggedModel,
    LoggedModelOutput,
    LoggedModelStatus,
    MlflowException,
    Saved,
    measured_by,
)
from sparsetune.tracking.naming import TAG, fit
from sparsetune.tracking.places import STUDY, STUDY_ID, Place, place_in, runs_of

_NOTE = "mlflow.note.content"  # the tag that MLflow's pages show as the description
_LONGEST = 250  # characters of a registered model's name
_APART = "/:@%?#"  # in an address such as models:/NAME/1


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
        found = experiment_of(client, study, self._mine)
        self._experiments = [] if found is None else [str(found.experiment_id)]
        self._known = {place: model for model in self._all() if (place := place_in(model.tags)) is not None}

    def ready(self, place: Place) -> LoggedModel | None:
        """The whole model of the run at a place, if it has one."""
        model = self._known.get(place)
        return model if model is not None and model.status == LoggedModelStatus.READY else None

    def run(self, place: Place) -> Run | None:
        """The run at a place; None where there is none that was not deleted."""
        if not self._experiments:
            return None
        return run_at(self._client, self._experiments, place, self._mine, deleted=False)

    def log(self, place: Place, run: Run, saved: Saved) -> LoggedModel:
        """Make what was saved the model of the run at a place."""
        client, run_id = self._client, run.info.run_id
        model = self._known.get(place) or client.create_logged_model(
            run.info.experiment_id,
            name=re.sub(r"""[/:.%"']""", "_", place.name),
            source_run_id=run_id,
            tags={**self._tags, **place.tags(1), _NOTE: fit(_note(saved.words), TAG)},
            params=run.data.params,
        )
        self._known[place] = model
        failpoint("before-model-files")
        saved.belongs_to(model)
        client.log_model_artifacts(model.model_id, str(saved.folder))
        client.log_batch(run_id, measured_by(run, model))  # those that the run has are not doubled
        if model.model_id not in {each.model_id for each in _outputs(run)}:
            client.log_outputs(run_id, [LoggedModelOutput(model.model_id, max(last_steps(run).values(), default=0))])
        failpoint("before-model-ready")
        self._known[place] = client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
        return self._known[place]

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
        token = None
        while self._experiments:
            page = self._client.search_logged_models(self._experiments, self._mine, page_token=token)
            yield from page
            token = page.token
            if not token:
                return


def refuse_name(name: str) -> None:
    """Raise :class:`BadInput` for a name that MLflow's registry, or an address of a model, cannot have."""
    plain = name.isprintable() and name.strip() == name and not set(name).intersection(_APART)
    if not plain or name in ("", ".", "..") or len(name) > _LONGEST:
        allowed = f"1 to {_LONGEST} printable characters, none of them {' '.join(_APART)}"
        raise BadInput(f"found {quoted(name)}, allowed: {allowed}", key="NAME")


def _note(words: Mapping[str, Any]) -> str:
    """In Markdown."""
    return "\n".join(f"- **{name}**: {_short(value)}" for name, value in words.items())


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_short(each)}" for name, each in value.items())
    return listed(value, 12) if isinstance(value, list) else str(value)


def _outputs(run: Run) -> list[LoggedModelOutput]:
    return run.outputs.model_outputs if run.outputs is not None else []
