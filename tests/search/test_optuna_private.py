"""Optuna's private parts: in two files, for the versions with which they were tried."""

from __future__ import annotations

import re
from pathlib import Path

import optuna

from sparsetune.search import optuna_private

ROOM = Path(optuna_private.__file__).parent
READ = "trial_id|study_id|storage|set_trial|get_trials|param_names|all_grids|try_initialization"
PRIVATE = re.compile(rf"\boptuna(\.\w+)*\._|(?<!self)\._({READ})\b|\bdef _(get_trials|find_sample_id)\b")


def test_the_installed_version_is_one_with_which_they_were_tried() -> None:
    installed = ".".join(optuna.__version__.split(".")[:2])
    assert installed in optuna_private.TRIED, (
        f"optuna {optuna.__version__} is installed, its private parts were tried with {optuna_private.TRIED}: "
        "run `make test-slow`, then name it in TRIED of search/optuna_private.py"
    )


def test_no_other_file_uses_any() -> None:
    users = {path.name for path in ROOM.parent.rglob("*.py") if PRIVATE.search(path.read_text())}
    assert users == {"optuna_private.py", "optuna_tables.py"}
