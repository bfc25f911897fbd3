"""MLflow installed below a folder with a per cent sign in its name; written for MLflow 3.17.

It hands the folder of its migrations to configparser as it is, where ``%`` begins a reference, and opens no database.
This process is mended in place; its server, which starts processes of its own, is shown another way to the same files.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import mlflow
from alembic.config import Config
from mlflow.store.db import utils

PACKAGE = Path(mlflow.__file__).parent
FOLDER = PACKAGE / "store" / "db_migrations"


def escape() -> None:
    """From here on MLflow finds its migrations."""
    utils._get_alembic_config = alembic_config


def alembic_config(db_url: str, alembic_dir: str | None = None) -> Config:
    """As MLflow makes it, with all paths escaped."""
    folder = alembic_dir or str(FOLDER)
    config = Config(str(Path(folder) / "alembic.ini"))
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", db_url.replace("%", "%%"))
    return config


def environment() -> dict[str, str]:
    """Makes a link to MLflow below a name without per cent sign; returns the variables with which processes take it."""
    folder = Path(tempfile.mkdtemp(prefix="sparsetune-ui-"))
    (folder / PACKAGE.name).symlink_to(PACKAGE)  # alone: PYTHONPATH goes before Python's own modules
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))}
