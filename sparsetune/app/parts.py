"""How the rooms are joined: the executor, the tracker and the work of a worker, made for a checked study."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparsetune.app.drawing import draw, figures_of, study_figures
from sparsetune.app.inputs import Places
from sparsetune.base.errors import BadInput
from sparsetune.base.layout.printable import printable
from sparsetune.base.messages import Executor, Job, Key, Metrics, Observer, OwnFile, Report, Row, Trial
from sparsetune.base.paths import Project, slug
from sparsetune.base.secrets import hidden
from sparsetune.base.stores.former import note_place
from sparsetune.base.stores.tracking_uri import tracking_uri
from sparsetune.base.yaml_io import dump, write_atomic
from sparsetune.config.overrides import assign
from sparsetune.config.provenance import tags
from sparsetune.config.registry import StudyRegistries
from sparsetune.config.study.objectives import formulas_of
from sparsetune.config.study.study import Study
from sparsetune.drive.book import SingleTrial
from sparsetune.drive.driver import Driver

if TYPE_CHECKING:
    from rich.console import Console

    from sparsetune.tracking.mlflow import MlflowTracker
    from sparsetune.tracking.subject import Answer, Subject
    from sparsetune.tracking.tables import Home

Warn = Callable[[str], None]


def registries(imports: tuple[OwnFile, ...] = ()) -> StudyRegistries:
    """Every method, data set, model, sampler and pruner that a file can name; those of one's own files too."""
    from sparsetune.config.own_tables import with_files, with_packages
    from sparsetune.search.pruners import PRUNERS
    from sparsetune.search.samplers import SAMPLERS
    from sparsetune.training.registries import REGISTRIES

    built_in = {each: getattr(REGISTRIES, each) for each in ("method", "data", "model", "metrics")}
    ours = StudyRegistries(**built_in, sampler=SAMPLERS, pruner=PRUNERS)
    return with_files(with_packages(ours), imports)


def train_and_draw(job: Job) -> Iterator[Report]:
    """What a worker does: train, and draw the figures of runs that end, where it is to."""
    from sparsetune.training.trial import run_trial

    rows: dict[Key, list[Row]] = {}
    for report in run_trial(job):
        key, end = report.key or job.key, report.outcome
        so_far = rows.setdefault(key, [])
        so_far += [row for row in report.rows if row.number > len(so_far)]  # what branches share comes for each
        figures = end is not None and (job.figures == "all" or (job.figures == "front" and end.state == "FAIL"))
        if end is not None and end.state != "STOPPED" and figures:
            draw(job, key, so_far, end)
        yield report


def run_alone(
    book: SingleTrial,
    observers: Sequence[Observer],
    *,
    folder: Path,
    job_options: Mapping[str, Any],
    score: Callable[[Metrics], Metrics] = dict,
    places: Places | None = None,
) -> Driver:
    """Train a trial outside a study in this process, by the driver and the executor of every run.

    Args:
        folder: where the trial has a folder of its own, which stays.
        places: where its data lie, unless its config says so.
    """
    from sparsetune.execution.in_process import InProcess

    driver = Driver(
        book,
        observers,
        folder=folder,
        objectives=(),  # it gives what it gives
        job_options=job_options,
        score=score,
        localise=lambda config: assign(config, places or {}),
        kept=lambda number: False,
    )
    InProcess().run(driver, train_and_draw)
    return driver


def start_executor(study: Study, *, workers: int | None, in_process: bool) -> Executor:
    """The executor, with its resources checked; nothing is written."""
    executor: Executor
    if in_process:
        if workers not in (None, 1):
            raise BadInput(key="--workers", found=str(workers), allowed="1 with --in-process", code="conflict")
        from sparsetune.execution.in_process import InProcess

        executor = InProcess(gpus=study.resources.gpus, visible=visible_gpus())
    else:
        from sparsetune.execution.ray_tune import RayTune

        executor = RayTune(cpus=study.resources.cpus, gpus=study.resources.gpus, workers=workers)
    try:
        executor.start()
        if study.trial.training.device == "cuda" and not executor.gpus:
            raise BadInput("a trial gets no GPU here", key="training.device", found="'cuda'")
    except BadInput as error:
        executor.close()
        raise error.located(source=study.source) from None
    return executor


def visible_gpus() -> int:
    """How many GPUs torch sees in this process."""
    import torch

    return torch.cuda.device_count()


def localiser(places: Places, executor: Executor) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A function that makes a config fit for a worker: absolute paths, and no GPU where it gets none."""
    here = places if executor.gpus else {**places, "training.device": "cpu"}
    return lambda config: assign(config, here)


def job_options(study: Study) -> dict[str, Any]:
    """The fields of a :class:`~sparsetune.base.messages.Job` that are the same for all trials."""
    return {
        "cpus": study.resources.cpus,
        "report_every": study.report_every,
        "checkpoint_every": study.tracking.checkpoint_every,
        "imports": study.imports,
        "figures": study.tracking.figures,
        "objectives": tuple(objective.metric for objective in study.objectives),
        "scores": formulas_of(study.objectives),
        "study": study.name,
    }


def tracked_at(study: Study) -> str:
    """Where the study file, MLFLOW_TRACKING_URI or the project's own folder say that MLflow is; raises BadInput."""
    return study.tracking.uri or tracking_uri() or study.project.tracking_uri


def at_home(project: Project, uri: str, lock_file: Path) -> Home:
    """Note where the project lies; returns what of MLflow's store has to follow it, as the holder of that lock."""
    from sparsetune.search.lock import others
    from sparsetune.tracking.tables import Home

    home = Home.of(project.runs, uri, shared=others(project.runs / "locks", lock_file))
    note_place(project.runs, home.former.guessed)
    return home


def open_tracker(study: Study, uid: str, warn: Warn, home: Home, earlier: Sequence[Trial]) -> MlflowTracker:
    """The observer that writes to MLflow, for the study of that identity with these trials so far."""
    from sparsetune.tracking.mlflow import MlflowTracker
    from sparsetune.tracking.run_keys import STUDY_ID

    uri = tracked_at(study)
    labels = {**tags(study.project.root, study.imports), STUDY_ID: uid}
    return MlflowTracker(
        uri,
        study.name,
        study.project.artifacts,
        study=study.name,
        tags=labels,
        warn=warn,
        home=home,
        subject=subject_of(study),
        files_of=figures_of(study, earlier),
    )


def subject_of(study: Study) -> Subject:
    """What the study's pages in MLflow say of it."""
    from sparsetune.tracking.subject import Subject

    root, here = study.project.root, study.source.parent
    imports = tuple(os.path.relpath(here / file.name, root) for file in study.imports)
    source = os.path.relpath(study.source, root)
    return Subject(study.name, study.objectives, study.constraints, source, imports, study.registries.metrics)


def leave_summary(study: Study, tracker: MlflowTracker, answer: Answer, folder: Path) -> None:
    """The study's answer and files on its parent run: what was run, with files of one's own, all rows, the winners.

    They stay in ``folder`` if the tracker does not take them.
    """
    from sparsetune.report.listing import trials_csv
    from sparsetune.tracking.notes import FRONT_FILE, front_table
    from sparsetune.tracking.page_state import table

    shutil.rmtree(folder, ignore_errors=True)
    winners = table(*front_table(subject_of(study), answer.won.front))
    texts = {"study.yaml": dump(study.resolved()), "trials.csv": trials_csv(answer.rows), FRONT_FILE: winners}
    for number, file in enumerate(study.imports):  # two may have one name, in different folders
        texts[f"import/{number}-{slug(Path(file.name).stem)}.py"] = file.text
    for name, text in texts.items():
        write_atomic(folder / name, text)
    files = {**{name: folder / name for name in texts}, **study_figures(study, answer.rows, folder)}
    tracker.summarise("FINISHED" if answer.counts["COMPLETE"] else "FAILED", answer, files)
    if not tracker.summary_stays:
        shutil.rmtree(folder, ignore_errors=True)


def warner(console: Console) -> Warn:
    """Prints one warning line."""
    from rich.markup import escape

    return lambda text: console.print(f"[yellow]warning:[/yellow] {escape(printable(hidden(text)))}", highlight=False)
