"""A trial's network in MLflow's model registry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sparsetune.app.ended import ended_run
from sparsetune.base.errors import BadInput
from sparsetune.base.messages import OwnFile
from sparsetune.base.paths import Project

if TYPE_CHECKING:
    from rich.console import Console

    from sparsetune.app.api.result import StudyResult


@dataclass(frozen=True)
class Registered:
    """A version of a registered model.

    Attributes:
        run: whose network it is: ``trial 3 seed 1``.
        uri: of the MLflow that has it, without a password.
    """

    name: str
    version: str
    model_id: str
    run: str
    uri: str

    @property
    def address(self) -> str:
        """What MLflow loads it by."""
        return f"models:/{self.name}/{self.version}"


def register(
    result: StudyResult,
    number: int,
    name: str,
    *,
    branch: str = "",
    seed: int | None = None,
    uri: str,
    project: Project | None,
    own: tuple[OwnFile, ...] = (),
    console: Console,
) -> Registered:
    """Make the network of a trial a new version of a registered model, and log it to the trial's run before if need be.

    Args:
        branch: of a forked trial.
        seed: of a trial with several replicates.
        uri: MLflow's tracking URI.
        project: of the study, if there is one here.
        own: files of the user's own that its config needs.

    Raises:
        BadInput: no such run (``key`` names the argument), no name that the registry takes, no data, a network that
            cannot be exported, or an MLflow that is away or cannot be written to.
    """
    from sparsetune.app import inputs, parts
    from sparsetune.app.logged import Shelf, Trained, describe
    from sparsetune.config.overrides import assign
    from sparsetune.config.trial import resolve_trial
    from sparsetune.search.lock import others
    from sparsetune.tracking.models import refuse_name
    from sparsetune.tracking.store import store_to_read
    from sparsetune.tracking.tables import Home, bring_home
    from sparsetune.tracking.trouble import reason_of, shown

    refuse_name(name)
    _, run = ended_run(result, number, branch, seed, "model")
    registries = parts.registries(own)
    home = None if project is None else Home.of(project.runs, uri, shared=others(project.runs / "locks"))
    shelf = Shelf(uri, result.name, result.stored.uid or "", registries, home)
    with store_to_read(uri):
        models = shelf.models()
    of = f"trial {number} of study {result.name!r}"
    config = assign(result.config(number, branch), {"seed": run.key.seed})
    trained = Trained(result.trial(number, branch), run, config)
    try:
        if models.ready(trained.run_key) is None:
            resolved = resolve_trial(config, registries)
            prepared = inputs.ready(resolved, project or Project(Path.cwd()), registries, of, console)
            for remark in prepared.remarks:
                parts.warner(console)(remark)
            trained = Trained(trained.row, run, assign(config, prepared.places))
        if home is not None:
            bring_home(uri, home, None)
        model = shelf.log(models, trained)
        version = models.register(name, model, describe(result.name, trained))
    except BadInput as error:
        raise error.located(source=of) from None
    except Exception as error:  # MLflow's own, its database's, its server's client's
        problem = f"cannot be written to: {reason_of(error, uri)}"
        raise BadInput(problem, source=f"MLflow at {shown(uri)}", code="unavailable") from None
    return Registered(name, version, model.model_id, trained.run_key.name, shown(uri))
