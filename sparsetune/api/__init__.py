"""The Python API: what notebooks and scripts call, and what the commands print."""

from sparsetune.api.calls import load, run
from sparsetune.api.result import StudyResult

__all__ = ["StudyResult", "load", "run"]
