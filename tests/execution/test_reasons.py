"""Why a worker died, in one line that says it."""

from __future__ import annotations

import pytest

from sparsetune.execution.ray_desk import cause
from sparsetune.execution.worker import LONGEST_REASON, describe, shortened

IN_CREATION = """Failure # 1 (occurred at 2026-11-29_16-15-48)
The actor died because of an error raised in its creation task, \x1b[36mray::Jobs.__init__()\x1b[39m (pid=20853, \
ip=192.0.2.2, actor_id=a1cb72092b74ed25f3f939d601000000, repr=<sparsetune.execution.ray_tune.Jobs object at 0x7f55>)
  At least one of the input arguments for this task could not be computed:
ray.exceptions.RaySystemError: System error: {error}
traceback: Traceback (most recent call last):
          ^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/somewhere/exploding.py", line 7, in explode
    {line}
    ^^^^^^^^^^^^^^^^^
{kind}: {error}
"""
ENDED = """Failure # 1 (occurred at 2026-11-29_16-16-50)
The actor died unexpectedly before finishing this task.
\tclass_name: Jobs
\tactor_id: 75380361177657a7ab47f49001000000
\tpid: 21046
The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR Worker exit detail: {detail}
The actor never ran - it was cancelled before it started running.
"""


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("ModuleNotFoundError", "No module named 'torch'"),
        ("AttributeError", "module 'statistics' has no attribute 'mean'"),
        ("ImportError", "libcudart.so.12: cannot open shared object file: No such file or directory"),
        ("ValueError", "two lines\n  the second with blanks before it"),
        ("RuntimeError", 'quoted: File "x.py"'),
    ],
)
def test_an_error_in_a_worker_is_said_without_what_ray_says_around_it(kind: str, error: str) -> None:
    text = IN_CREATION.format(error=error, kind=kind, line="import torch")
    assert cause(text) == f"{kind}: {' '.join(error.split())}"


@pytest.mark.parametrize(
    "detail",
    [
        "Worker exits unexpectedly. Worker exits with an exit code 3.",
        "Worker unexpectedly exits with a connection error code 2. End of file.",
    ],
)
def test_a_process_that_ended_says_how(detail: str) -> None:
    said = cause(ENDED.format(detail=detail))
    assert said.startswith(f"The actor died unexpectedly before finishing this task. {detail}")
    assert "\t" not in said


def test_of_a_long_reason_both_ends_stay() -> None:
    assert shortened("a" * LONGEST_REASON) == "a" * LONGEST_REASON
    long = shortened("first " + "x" * 2000 + " last")
    assert (len(long), long[:6], long[-5:], " ... " in long) == (LONGEST_REASON, "first ", " last", True)
    assert describe(ValueError("x" * 2000 + " at the very end")).endswith(" at the very end")
