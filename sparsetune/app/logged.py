"""Networks of a study's trials as models in MLflow: found among what their runs have left, exported, tried, logged.

At a study's end for the trials that ``tracking.models`` names, and for the one that ``sparsetune register`` names.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparsetune.app import inputs
from sparsetune.app.exported import made_of
from sparsetune.app.parts import tracked_at, warner
from sparsetune.base.errors import BadInput
from sparsetune.base.layout.text import listed
from sparsetune.base.messages import SAME_AS, Run, Trial
from sparsetune.base.paths import WEIGHTS
from sparsetune.config.overrides import assign
from sparsetune.config.registry import Registries
from sparsetune.config.study.front import chosen_rows
from sparsetune.config.study.study import Study
from sparsetune.config.trial import resolve_trial

if TYPE_CHECKING:
    from rich.console import Console

    from sparsetune.tracking.library import LoggedModel
    from sparsetune.tracking.models import Models, Saved
    from sparsetune.tracking.run_keys import RunKey
    from sparsetune.tracking.tables import Home

_NEEDS = ("torch", "numpy")  # who loads a model


@dataclass(frozen=True)
class Trained:
    """A run whose network is wanted.

    Attributes:
        row: of the tables, of which the run is the only or one of several.
        config: of the run, with the paths of its data on this machine.
    """

    row: Trial
    run: Run
    config: Mapping[str, Any]

    @property
    def run_key(self) -> RunKey:
        """Of its run in MLflow."""
        from sparsetune.tracking.run_keys import RunKey

        return RunKey(self.row.number, self.row.branch, self.run.key.seed if len(self.row.runs) > 1 else None)


@dataclass(frozen=True)
class Shelf:
    """Where a study's models are logged.

    Attributes:
        uid: tells the study from others of its name.
        home: of its project, if there is one.
    """

    uri: str
    study: str
    uid: str
    registries: Registries
    home: Home | None

    def models(self) -> Models:
        """Those that are there."""
        from sparsetune.tracking.client import connected
        from sparsetune.tracking.models import Models

        return Models(connected(self.uri), self.study, self.uid)

    def log(self, models: Models, trained: Trained) -> LoggedModel:
        """Log a run's network as its model, unless it has one.

        Raises:
            BadInput: it has no run or no weights in MLflow, or a network that cannot be exported.
            Exception: what MLflow raises when it is away.
        """
        from sparsetune.tracking.left import left_by
        from sparsetune.tracking.run_keys import FILES_REFUSED

        run_key = trained.run_key
        ready = models.ready(run_key)
        if ready is not None:
            return ready
        run = models.run(run_key)
        if run is None:
            raise BadInput("MLflow has no run of it: it was deleted there, or was not sent yet", code="missing")
        if FILES_REFUSED in run.data.tags:
            raise BadInput(f"MLflow takes no files of it: {run.data.tags[FILES_REFUSED]}")
        with tempfile.TemporaryDirectory(prefix="sparsetune-") as folder:
            left = left_by(self.uri, self.study, self.uid, run_key, WEIGHTS, Path(folder), self.home)
            if left.path is None:
                raise BadInput("its weights are gone from MLflow", code="missing")
            saved = self._exported(trained, left.path, Path(folder) / "model", run.info.run_id)
            return models.log(run_key, run, saved)

    def _exported(self, trained: Trained, weights: Path, folder: Path, run_id: str) -> Saved:
        """A run's network in MLflow's format, once it was loaded from there and has given the same."""
        from sparsetune.tracking.models import save
        from sparsetune.training.deploy.deployed import deployed

        try:
            config = resolve_trial(trained.config, self.registries)
            network = deployed(config, weights, self.registries, trained.run.notes.get("split", ""))
            saved = save(
                folder,
                network.network,
                network.example,
                network.output,
                run_id=run_id,
                words={"network": describe(self.study, trained), **network.words},
                requirements=[f"{name}=={version(name).partition('+')[0]}" for name in _NEEDS],
            )
            same = network.equals(saved.loaded())
        except BadInput:
            raise
        except Exception as error:  # torch.export has no kind of its own, and the model's code may be the user's
            said = " ".join(str(error).split())[:200]
            raise BadInput(f"its network cannot be exported: {type(error).__name__}: {said}") from None
        if not same:
            raise BadInput("its network cannot be exported: torch.export makes one of it that gives other outputs")
        return saved


def log_models(
    study: Study, rows: Sequence[Trial], uid: str, home: Home, places: inputs.Places, console: Console
) -> None:
    """Log the networks that ``tracking.models`` names; whatever goes wrong is a line.

    Args:
        rows: all of the study's tables.
        uid: tells the study from others of its name.
        places: where its data lie on this machine.
    """
    chosen = chosen_rows(study.tracking.models, rows, [each.goal for each in study.objectives])
    wanted = [_first(row, places) for row in chosen if SAME_AS not in row.notes]
    if not wanted:
        return
    from sparsetune.tracking.trouble import reason_of, shown

    uri = tracked_at(study)
    try:
        without = _log_all(Shelf(uri, study.name, uid, study.registries, home), wanted, console)
    except Exception as error:  # MLflow's own, its database's, its server's client's
        later = "models are not logged now, and will be at the next start"
        warner(console)(f"MLflow at {shown(uri)}: {later}: {reason_of(error, uri)}")
        return
    for reason, names in without.items():
        warner(console)(f"no model of {listed(names, 5)}: {reason}")


def _log_all(shelf: Shelf, wanted: Sequence[Trained], console: Console) -> dict[str, list[str]]:
    """Those that have none now, by the reason."""
    models = shelf.models()
    missing = [each for each in wanted if models.ready(each.run_key) is None]
    without: dict[str, list[str]] = {}
    what = "model" if len(missing) == 1 else "models"
    with inputs.progress_bar(console, "logging", " in MLflow", what=what, after=0) as progress:
        for done, each in enumerate(missing):
            progress(done, len(missing))
            try:
                shelf.log(models, each)
            except BadInput as error:
                without.setdefault(str(error), []).append(each.run_key.name)
    return without


def _first(row: Trial, places: inputs.Places) -> Trained:
    """The first training of a row: of several seeds each has weights of its own."""
    run = row.runs[0]
    return Trained(row, run, assign(row.config, {**places, "seed": run.key.seed}))


def describe(study: str, trained: Trained) -> str:
    """What a model is of: ``trial 3 seed 1 of study ast_pi: method ast, model mlp, data digits``."""
    return f"{trained.run_key.name} of study {study}: {made_of(trained.config)}"
