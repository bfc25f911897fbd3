"""The story of a study on one page: load -> check -> lock -> ledger -> observers -> executor -> summary.

With ``parts.py``, which makes the parts, the only file that joins the rooms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from sparsetune.app import inputs
from sparsetune.app.parts import (
    at_home,
    job_options,
    leave_summary,
    localiser,
    open_tracker,
    registries,
    start_executor,
    tracked_at,
    train_and_draw,
    warner,
)
from sparsetune.app.shelf import shelf_options
from sparsetune.base import signals
from sparsetune.base.disk import CannotWrite
from sparsetune.base.messages import Executor, Trial
from sparsetune.base.surroundings.interpreter import rarely_collected
from sparsetune.base.surroundings.remarks import remarks
from sparsetune.config.provenance import environment
from sparsetune.config.study.front import Winners, best_rows
from sparsetune.config.study.load import load_study
from sparsetune.config.study.objectives import scorer
from sparsetune.config.study.rows import branch_rows
from sparsetune.config.study.study import Study
from sparsetune.drive.driver import Driver, counts

if TYPE_CHECKING:
    from rich.console import Console

    from sparsetune.search.points import Points
    from sparsetune.tracking.tables import Home


@dataclass(frozen=True)
class Summary:
    """What a study amounts to after a run."""

    counts: Mapping[str, int]  # trials by state
    won: Winners  # the best row, or the Pareto front by the first objective
    trials: tuple[Trial, ...]  # all of them, by number
    rows: tuple[Trial, ...]  # the same, of a forked trial each branch

    @property
    def exit_code(self) -> int:
        """0: all well; 1: a trial failed; 3: none completed."""
        if not self.counts["COMPLETE"]:
            return 3
        return 1 if self.counts["FAIL"] else 0


def load(path: Path, overrides: Mapping[str, Any] | None = None) -> Study:
    """A study file, checked; raises :class:`~sparsetune.base.errors.BadInput`."""
    return load_study(path, registries, overrides)


def run_study(study: Study, *, workers: int | None, in_process: bool, console: Console) -> Summary:
    """Run a study until its budget is spent, from wherever its storage says it stands.

    Args:
        workers: trials at once; None for as many as the resources hold.
        in_process: no Ray, one trial after another, here.
        console: where progress and warnings go.

    Raises:
        BadInput: before anything is written.
        Stopped: Ctrl-C or SIGTERM, after the running trials have saved their state.
        CannotWrite: no room for results; what was finished is kept.
    """
    from sparsetune.search import lock
    from sparsetune.search.definition import spent

    lock_file = lock.place(study.storage, study.project.runs, study.name)
    lock.refuse_if_held(lock_file, study.name)
    points, prepared = _checked(study, console)
    done = spent(study)
    for remark in remarks(ray=not in_process and not done):
        warner(console)(remark)
    if done:
        in_process, workers = True, None  # nothing to start Ray for
        said = "nothing is left to run: all trials of the budget have ended; --trials adds more"
        console.print(said, highlight=False)
    elif not in_process:
        console.print("starting Ray and its first workers", highlight=False)
    with signals.stopping_gently(lambda: None) as request:  # inside Ray's start an exception may be lost
        executor = start_executor(study, workers=workers, in_process=in_process)
    with closing(executor):
        if request.signum is not None:
            raise signals.Stopped(request.signum, "stopped before the first trial")
        with lock.hold(lock_file, study.name):
            home = at_home(study.project, tracked_at(study), lock_file)
            return _carried_out(study, executor, points, prepared, home, console)


def _checked(study: Study, console: Console) -> tuple[Points, inputs.Prepared]:
    """What the study begins with and what it reads, once nothing stands against a start; writes data's cache alone."""
    from sparsetune.search.definition import identity, refuse_other_content, refuse_other_meaning
    from sparsetune.search.lock import refuse_double
    from sparsetune.search.points import Points
    from sparsetune.tracking.store import check_experiment

    warn = warner(console)
    refuse_other_meaning(study)
    points = Points.of(study, warn)
    refuse_double(study, tracked_at(study))
    check_experiment(tracked_at(study), study.name, identity(study))
    Thread(target=import_module, args=("sparsetune.tracking.mlflow",), daemon=True).start()  # while others are awaited
    prepared = inputs.ready(
        study.trial, study.project, study.registries, study.source, console, study.space, study.bases
    )
    refuse_other_content(study, prepared.content)
    for remark in (*study.remarks, *prepared.remarks):
        warn(remark)
    return points, prepared


def _carried_out(
    study: Study, executor: Executor, points: Points, prepared: inputs.Prepared, home: Home, console: Console
) -> Summary:
    """All jobs of a study whose lock is held, and what they amount to."""
    from sparsetune.live.console import ConsoleObserver
    from sparsetune.search.ledger import Ledger
    from sparsetune.tracking.outbox import Background
    from sparsetune.tracking.subject import Answer

    warn = warner(console)
    ledger = Ledger(study, environment(study.imports), warn, prepared.content, points)
    earlier = ledger.trials()
    tracking = Background(lambda: open_tracker(study, ledger.uid, warn, home, earlier))
    watcher = ConsoleObserver(
        console, study.objectives, earlier, ledger.extent, study.name, constraints=study.constraints
    )
    driver = Driver(
        ledger,
        (watcher, tracking),
        folder=study.project.trials(study.name, ledger.uid),
        objectives=study.judged_by,
        further=study.judged_in,
        score=scorer(study.objectives),
        job_options={**job_options(study), **shelf_options(study.project, study.resources.shelf_gb, warn)},
        localise=localiser(prepared.places, executor),
        kept=tracking.logged,
        stays=tracking.refused,
    )
    try:
        driver.make_good(tracking)
        run_until_told(executor, driver, warn)
        summary = summarise(study, ledger.trials())
        answer = Answer(summary.counts, summary.rows, summary.won, ledger.by_importance())
        leave_summary(study, tracking.up_to_date(), answer, driver.folders.of_study)
        if study.tracking.models != "none":
            from sparsetune.app.logged import log_models

            log_models(study, summary.rows, ledger.uid, home, prepared.places, console)
        return summary
    except BaseException:
        tracking.up_to_date().summarise("KILLED")
        raise
    finally:
        watcher.close()
        tracking.close()  # the last: it may raise
        driver.sweep()


def run_until_told(executor: Executor, driver: Driver, say: Callable[[str], None]) -> None:
    """Run all jobs; raises Stopped when a signal ended it early, CannotWrite when a worker found no room."""

    def stop() -> None:
        text = "stopping: running trials save their state after their epoch; Ctrl-C again ends them at once"
        driver.stop()
        Thread(target=say, args=(text,)).start()  # in a signal handler this thread may hold the console's locks

    with signals.stopping_gently(stop) as request, rarely_collected():
        executor.run(driver, train_and_draw)
    if driver.trouble:
        raise CannotWrite(driver.trouble)
    if request.signum is not None:
        raise signals.Stopped(request.signum, "stopped; no trial is lost, started again the study goes on from here")


def summarise(study: Study, trials: Sequence[Trial]) -> Summary:
    """Counts, and the rows worth looking at."""
    metrics = tuple(objective.metric for objective in study.objectives)
    rows = [row for trial in trials for row in branch_rows(trial, metrics, study.constraints)]
    won = best_rows(rows, [objective.goal for objective in study.objectives])
    return Summary(counts(trials), won, tuple(trials), tuple(rows))
