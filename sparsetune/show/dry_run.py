"""What a study would do, before it does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparsetune.config.study import Study
from sparsetune.config.yaml_io import dump

if TYPE_CHECKING:
    pass


def show_dry_run(study: Study) -> None:
    """The resolved study, and three configs that its sampler draws."""
    from sparsetune.assembly import registries
    from sparsetune.search.ledger import preview

    print(f"# {study.source}, resolved")
    print(dump(study.resolved()))
    print("# three configs as they would be drawn before any trial has finished")
    print(dump(preview(study, registries(), 3)), end="")
