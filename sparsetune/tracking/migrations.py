"""MLflow installed below a folder with a per cent sign in its name; written for MLflow 3.17.

It hands the folder of its migrations to configparser as it is, where ``%`` begins a reference, and opens no database.
"""

from __future__ import annotations

from pathlib import Path

import mlflow
from alembic.config import Config
from mlflow.store.db import utils

FOLDER = Path(mlflow.__file__).parent / "store" / "db_migrations"


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
