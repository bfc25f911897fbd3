"""The command line: parses, calls, prints; decides nothing.

Imports every room; no room imports it.
"""

from __future__ import annotations

from sparsetune.cli import train  # isort: skip  # the order of the imports is that of `--help`
from sparsetune.cli import stored, ticket, network, register, catalogue, project, data  # isort: skip
from sparsetune.cli.app import LOOK, PROJECT, Command, app, main

__all__ = ["app", "catalogue", "data", "main", "network", "project", "register", "stored", "ticket", "train"]

app.add_typer(ticket.ticket, name="ticket", rich_help_panel=LOOK)
app.add_typer(network.network, name="network", rich_help_panel=LOOK)
app.add_typer(data.data, name="data", rich_help_panel=PROJECT)
for commands in (app, data.data, network.network, ticket.ticket):
    for command in commands.registered_commands:
        command.cls = Command
