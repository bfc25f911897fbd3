"""What happens around a job inside a worker process: whatever goes wrong becomes a result, and only death is silent."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Generator, Iterator
from pathlib import Path

from sparsetune.base.disk import disk_trouble
from sparsetune.base.messages import Job, Outcome, Report, Work
from sparsetune.base.paths import ERROR_FILE

LONGEST_REASON = 500  # characters
_GAP = " ... "
NO_MEMORY = ("out of memory", "can't allocate memory")  # how torch says it in a RuntimeError


def perform(job: Job, work: Work) -> Generator[Report]:
    """The reports of ``work(job)``, always ending in an outcome: an exception becomes a FAIL with one line of reason.

    A disk that takes no more is not the job's fault: STOPPED, so that it can go on when there is room.

    Closing this generator closes that of ``work``. KeyboardInterrupt and SystemExit pass through.
    """
    reports: Iterator[Report] = iter(())
    try:
        reports = work(job)
        for report in reports:
            if report.last:
                _close(reports, job)  # its memory goes before the next job can start
            yield report
            if report.last:
                return
        outcome = Outcome("FAIL", reason="the work ended without an outcome")
    except Exception as error:
        trouble = disk_trouble(error)
        outcome = Outcome("STOPPED", reason=trouble) if trouble else Outcome("FAIL", reason=describe(error))
        if outcome.state == "FAIL":
            _keep_traceback(job)
    finally:
        _close(reports, job)
    yield Report(outcome=outcome)


def describe(error: BaseException) -> str:
    """One line: ``out of memory: message`` whichever library says it, else ``TypeName: message``."""
    message = " ".join(str(error).split())
    names = {cls.__name__ for cls in type(error).__mro__}  # torch is not imported here
    told = isinstance(error, RuntimeError) and any(sign in message.lower() for sign in NO_MEMORY)
    kind = "out of memory" if told or names & {"MemoryError", "OutOfMemoryError"} else type(error).__name__
    return shortened(f"{kind}: {message}" if message else kind)


def shortened(reason: str) -> str:
    """A reason without its middle where it is long: some say first what went wrong, others last."""
    left = LONGEST_REASON - len(_GAP)
    return reason if len(reason) <= LONGEST_REASON else f"{reason[: left // 2]}{_GAP}{reason[-(left - left // 2) :]}"


def _close(reports: Iterator[Report], job: Job) -> None:
    """Let ``work`` clean up. It has had its say: an error now changes nothing but is written down."""
    try:
        if isinstance(reports, Generator):
            reports.close()
    except Exception:
        _keep_traceback(job)


def _keep_traceback(job: Job) -> None:
    with contextlib.suppress(OSError):  # a full disk must not hide the reason
        Path(job.folder).mkdir(parents=True, exist_ok=True)
        Path(job.folder, ERROR_FILE).write_text(traceback.format_exc(), encoding="utf-8")
