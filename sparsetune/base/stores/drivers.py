"""The Python packages that databases want, which come with neither Optuna nor MLflow."""

from __future__ import annotations

from sparsetune.base.secrets import hidden

_PACKAGES = {
    "psycopg": "'psycopg[binary]'",
    "psycopg2": "psycopg2-binary",
    "pymysql": "pymysql",
    "MySQLdb": "mysqlclient",
    "pyodbc": "pyodbc",
}  # by the module that SQLAlchemy imports


def missing_driver(url: str) -> str | None:
    """``psycopg2 is not installed; pip install psycopg2-binary``; None where SQLAlchemy finds what a URL wants.

    Raises ValueError for a URL that it cannot read, with its words.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    try:
        make_url(url).get_dialect().import_dbapi()
    except ImportError as error:
        name = error.name or str(error)
        return f"{name} is not installed" + (f"; pip install {_PACKAGES[name]}" if name in _PACKAGES else "")
    except SQLAlchemyError as error:
        raise ValueError(str(error)) from None
    return None


def words_of(error: Exception, url: str) -> str:
    """The first line of what a database has against a URL, in its driver's words, without passwords; which driver is
    missing."""
    missing = missing_driver(url) if isinstance(error, ImportError) else None
    if missing:
        return missing
    lines = str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__]
    return hidden(lines[0], url)
