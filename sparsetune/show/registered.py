"""What was registered, and how to load it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparsetune.app.api.register import Registered


def show_registered(found: Registered, *, as_json: bool) -> None:
    """One line, whose second half is Python that loads the model."""
    if as_json:
        print(json.dumps({**asdict(found), "address": found.address}, indent=1))
        return
    where, address = json.dumps(found.uri), json.dumps(found.address)
    load = f"mlflow.set_tracking_uri({where}); network = mlflow.pytorch.load_model({address})"
    print(f"{found.run} is {found.name} version {found.version}; in Python: import mlflow; {load}")
