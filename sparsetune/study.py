"""The story of a study on one page: load -> check -> lock -> ledger -> observers -> executor -> summary.

The only place that joins the rooms.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparsetune.config.errors import BadInput
from sparsetune.config.messages import Job, Observer, Report, Trial
from sparsetune.config.overrides import assign
from sparsetune.config.paths import Project
from sparsetune.config.provenance import environment, tags
from sparsetune.config.registry import StudyRegistries
from sparsetune.config.study import Study, load_study
from sparsetune.config.trial import TrialConfig
from sparsetune.config.yaml_io import dump
from sparsetune.driver import Driver, counts

if TYPE_CHECKING:
    from rich.console import Console

    from sparsetune.execution.in_process import InProcess
    from sparsetune.execution.ray_tune import RayTune
    from sparsetune.tracking.mlflow import MlflowTracker

Warn = Callable[[str], None]


@dataclass(frozen=True)
class Summary:
    """What a study amounts to after a run."""

    name: str
    metrics: tuple[str, ...]  # of the objectives
    counts: Mapping[str, int]  # trials by state
    front: tuple[Trial, ...]  # the best trial, or the Pareto front by the first objective
    failures: tuple[Trial, ...]

    @property
    def exit_code(self) -> int:
        """0: all well; 1: a trial failed; 3: none completed."""
        if not self.counts["COMPLETE"]:
            return 3
        return 1 if self.counts["FAIL"] else 0


def registries() -> StudyRegistries:
    """Every method, data set, model, sampler and pruner that a file can name."""
    from sparsetune.search.pruner import PRUNERS
    from sparsetune.search.sampler import SAMPLERS
    from sparsetune.training.registries import REGISTRIES

    return StudyRegistries(REGISTRIES.method, REGISTRIES.data, REGISTRIES.model, SAMPLERS, PRUNERS)


def load(path: Path, overrides: Mapping[str, Any] | None = None) -> Study:
    """A study file, checked; raises :class:`~sparsetune.config.errors.BadInput`."""
    return load_study(path, registries(), overrides)


def run_study(study: Study, *, workers: int | None, in_process: bool, console: Console) -> Summary:
    """Run a study until its budget is spent, from wherever its storage says it stands.

    Args:
        workers: trials at once; None for as many as the resources hold.
        in_process: no Ray, one trial after another, here.
        console: where progress and warnings go.

    Raises:
        BadInput: before anything is written.
    """
    from sparsetune.search import lock
    from sparsetune.search.ledger import Ledger, refuse_other_meaning
    from sparsetune.tracking.console import ConsoleObserver

    known = registries()
    lock_file = study.project.lock(study.name)
    lock.refuse_if_held(lock_file, study.name)
    refuse_other_meaning(study)
    root = locate_data(study.trial, study.project, known, study.source)
    executor = start_executor(study, workers=workers, in_process=in_process)
    warn = warner(console)
    try:
        with lock.hold(lock_file, study.name):
            ledger = Ledger(study, known, environment(), warn)
            tracker = open_tracker(study, warn)
            earlier = ledger.trials()
            watcher = ConsoleObserver(console, study.objectives, earlier, study.budget.trials, study.name)
            observers: Sequence[Observer] = (tracker, watcher)
            driver = Driver(
                ledger,
                observers,
                folder=study.project.trials(study.name),
                budget=study.budget.trials,
                objectives=[objective.metric for objective in study.objectives],
                job_options=job_options(study),
                localise=localiser(root, executor),
                kept=tracker.logged,
            )
            try:
                driver.make_good()
                executor.run(driver, train_and_draw)
                summary = summarise(study, ledger.trials(), ledger.front())
                leave_summary(study, tracker, summary, ledger.trials())
            finally:
                for observer in observers:
                    observer.close()
            return summary
    finally:
        executor.close()


def train_and_draw(job: Job) -> Iterator[Report]:
    """What a worker does: train, and draw the figures of what was traced."""
    from sparsetune.report.controller import draw_controller
    from sparsetune.training.trial import TRACE, run_trial

    for report in run_trial(job):
        trace = Path(job.folder) / TRACE
        if report.outcome is not None and trace.exists():
            draw_controller(trace, job.config["method"]["target_activation"], trace.with_name("controller.png"))
        yield report


def start_executor(study: Study, *, workers: int | None, in_process: bool) -> InProcess | RayTune:
    """The executor, with its resources checked; nothing is written."""
    executor: InProcess | RayTune
    if in_process:
        from sparsetune.execution.in_process import InProcess

        executor = InProcess(gpus=study.resources.gpus, visible=_visible_gpus())
    else:
        from sparsetune.execution.ray_tune import RayTune

        executor = RayTune(
            cpus=study.resources.cpus, gpus=study.resources.gpus, workers=workers, folder=study.project.ray
        )
    try:
        executor.start()
        if study.trial.training.device == "cuda" and not executor.gpus:
            raise BadInput("found 'cuda', but a trial gets no GPU here", key="training.device")
    except BadInput as error:
        executor.close()
        raise error.located(source=study.source) from None
    return executor


def _visible_gpus() -> int:
    import torch

    return torch.cuda.device_count()


def locate_data(trial: TrialConfig, project: Project, known: StudyRegistries, source: Path) -> str | None:
    """The absolute root of the data's files, all of them checked; None for data without files."""
    try:
        located = known.data.get(trial.data.name).locate(trial.data, project.root)
    except BadInput as error:
        raise error.located(source=source) from None
    return getattr(located, "root", None)


def localiser(root: str | None, executor: InProcess | RayTune) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A function that makes a config fit for a worker: absolute paths, and no GPU where it gets none."""
    found: dict[str, Any] = {}
    if root is not None:
        found["data.root"] = root
    if not executor.gpus:
        found["training.device"] = "cpu"
    return lambda config: assign(config, found)


def job_options(study: Study) -> dict[str, Any]:
    """The fields of a :class:`~sparsetune.config.messages.Job` that are the same for all trials."""
    return {
        "cpus": study.resources.cpus,
        "report_every": study.tracking.report_every,
        "checkpoint_every": study.tracking.checkpoint_every,
    }


def open_tracker(study: Study, warn: Warn) -> MlflowTracker:
    """MLflow where the study file, MLFLOW_TRACKING_URI or the project's own folder say."""
    from sparsetune.tracking.mlflow import MlflowTracker

    uri = study.tracking.uri or os.environ.get("MLFLOW_TRACKING_URI") or study.project.tracking_uri
    return MlflowTracker(
        uri, study.name, study.project.artifacts, study=study.name, tags=tags(study.project.root), warn=warn
    )


def summarise(study: Study, trials: Sequence[Trial], front: Sequence[int]) -> Summary:
    """Counts, and the trials worth looking at."""
    metrics = tuple(objective.metric for objective in study.objectives)
    sign = -1 if study.objectives[0].goal == "maximize" else 1
    best = sorted((trials[number] for number in front), key=lambda trial: sign * trial.values[0])
    failures = tuple(trial for trial in trials if trial.state == "FAIL")
    return Summary(study.name, metrics, counts(trials), tuple(best), failures)


def leave_summary(study: Study, tracker: MlflowTracker, summary: Summary, trials: Sequence[Trial]) -> None:
    """The study's files on its parent run: what was run, and all trials as a table."""
    import tempfile

    from sparsetune.report.files import trials_csv

    with tempfile.TemporaryDirectory() as folder:
        files = {"study.yaml": Path(folder) / "study.yaml", "trials.csv": Path(folder) / "trials.csv"}
        files["study.yaml"].write_text(dump(study.resolved()))
        files["trials.csv"].write_text(trials_csv(trials))
        numbers = {f"trials_{state.lower()}": float(count) for state, count in summary.counts.items()}
        tracker.summarise(numbers, files, "FAILED" if summary.exit_code == 3 else "FINISHED")


def warner(console: Console) -> Warn:
    """Prints one warning line."""
    return lambda text: console.print(f"[yellow]warning:[/yellow] {text}", highlight=False)
