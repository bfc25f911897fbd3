"""The Python API: what notebooks and scripts call, and what the commands print."""

from sparsetune.app.api.calls import load, run
from sparsetune.app.api.result import StudyResult

__all__ = ["StudyResult", "load", "run"]
