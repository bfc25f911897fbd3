"""A ticket from real MNIST, trained again by command elsewhere; SPARSETUNE_DATA names a folder with MNIST/raw.

About a minute on one core.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sparsetune.base.yaml_io import dump
from sparsetune.testing.studies import write_study

DATA = os.environ.get("SPARSETUNE_DATA", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(DATA, "MNIST").is_dir(), reason="SPARSETUNE_DATA names no folder with MNIST"),
]
TRAINED = {
    "data": {"name": "mnist", "val_size": 5000},
    "model": {"name": "lenet_300_100", "init": "glorot"},
    "training": {"iterations": 600, "evaluate": "100it", "batch_size": 60, "optimizer": "adam", "lr": 1.2e-3},
}
STUDY = {
    **TRAINED,
    "study": "small",
    "method": {"name": "lottery", "levels": 3},
    "space": {},
    "objectives": [{"metric": "matching_density", "goal": "minimize"}],
    "sampler": "random",
    "budget": {"trials": 1},
    "seed": 7,
}


def command(*words: Any, at: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "sparsetune", *map(str, words)], cwd=at, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def said(*words: Any, at: Path) -> Any:
    return json.loads(command(*words, "--json", at=at))


@pytest.mark.parametrize("level", [1, 3])
def test_it_gives_the_numbers_of_its_study_in_a_fresh_project(level: int, tmp_path: Path) -> None:
    """Bit for bit, with nothing but the ticket's file and a config without a method."""
    here, there = tmp_path / "here", tmp_path / "there"
    command("study", write_study(here, **STUDY), "--in-process", at=here)
    results = said("export", "small", "--results", at=here)
    (recorded,) = (
        row["metrics"] for row in results if row["which"] == "last" and row["stage"].endswith(f"level {level}")
    )
    shown = said("ticket", "show", "small", "--trial", 0, "--level", level, at=here)
    (there / "search_spaces").mkdir(parents=True)
    (there / "x.safetensors").write_bytes(Path(shown["ticket"]).read_bytes())
    (there / "train.yaml").write_text(dump({**TRAINED, "seed": 7}))
    (run,) = said("ticket", "transfer", "x.safetensors", "train.yaml", at=there)
    names = [name for name in recorded if name.startswith(("val_", "test_", "density", "nonzeros", "train_"))]
    assert len(names) > 8
    assert {name: run["metrics"][name] for name in names} == {name: recorded[name] for name in names}
