"""The command line: parses, calls, prints; decides nothing.

Imports every room; no room imports it.
"""

from __future__ import annotations

from sparsetune.cli import train  # isort: skip  # the order of the imports is that of `--help`
from sparsetune.cli import stored, ticket, register, catalogue, project, data  # isort: skip
from sparsetune.cli.app import app
from sparsetune.cli.look import Command
from sparsetune.cli.stdout import written_out

__all__ = ["app", "catalogue", "data", "main", "project", "register", "stored", "ticket", "train"]

for command in app.registered_commands:
    command.cls = Command


def main() -> None:
    """The `sparsetune` command; `.env` upward from here is read first."""
    from sparsetune.base.variables import read_env

    read_env()
    written_out(app)
