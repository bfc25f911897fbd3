"""An installed package registers by an entry point; and what of one's own has a part in what a number comes from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sparsetune.config.provenance import code_hash, environment

from .files import SAMPLER, own

ASK = """
import sys
from sparsetune.base.errors import BadInput
from sparsetune.base.messages import OwnFile
from sparsetune.config.own_tables import with_files, with_packages
from sparsetune.config.provenance import environment
from sparsetune.config.registry import Registry, StudyRegistries
print(environment().get("packages", "none"))
nothing = StudyRegistries(*(Registry(each, {}) for each in ("method", "data set", "model", "sampler", "pruner")))
try:
    known = with_files(with_packages(nothing), [OwnFile("a.py", text) for text in sys.argv[1:]])
    print(known.sampler.names(), known.sampler.get("mine").VALUE)
except BadInput as error:
    print(error)
assert "torch" not in sys.modules, "so that these tests are fast"
"""


def install(site: Path, module: str = SAMPLER, entry: str = "my_package.samplers", version: str = "1.2") -> None:
    """What pip leaves of a package, in a folder of its own."""
    package, info = site / "my_package", site / "my_package-1.2.dist-info"
    for folder in (package, info):
        folder.mkdir(exist_ok=True)
    (package / "__init__.py").touch()
    (package / "samplers.py").write_text(module)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: my-package\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[sparsetune]\nmine = {entry}\n")


def ask(site: Path, *texts: str) -> list[str]:
    """What a process says in which the package is installed: what it has found installed, what is registered."""
    environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", ASK, *texts], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_package_registers(tmp_path: Path) -> None:
    install(tmp_path)
    packages, names = ask(tmp_path)
    assert packages.startswith("my-package 1.2 ")
    assert names == "['mine'] 1"


def test_a_name_that_a_package_has_is_taken(tmp_path: Path) -> None:
    install(tmp_path)
    assert ask(tmp_path, SAMPLER)[-1] == "a.py: SAMPLERS: sampler 'mine' exists already; allowed: another name"


@pytest.mark.parametrize(
    ("module", "entry", "said"),
    [
        (
            "1 / 0",
            "my_package.samplers",
            "package my-package 1.2: its entry point 'my_package.samplers' cannot be loaded: Z",
        ),
        (
            SAMPLER,
            "my_package.none",
            "package my-package 1.2: its entry point 'my_package.none' cannot be loaded: ModuleN",
        ),
        (
            SAMPLER,
            "my_package.samplers:Mine",
            "package my-package 1.2: its entry point 'my_package.samplers:Mine' is no mod",
        ),
        ("", "my_package.samplers", "my_package.samplers: registers nothing: it has none of the tables METHODS, "),
    ],
)
def test_a_package_that_is_broken(tmp_path: Path, module: str, entry: str, said: str) -> None:
    install(tmp_path, module, entry)
    assert ask(tmp_path)[-1].startswith(said)


def test_a_changed_package_changes_the_environment(tmp_path: Path) -> None:
    found = []
    for module, version in ((SAMPLER, "1.2"), (SAMPLER + "\n", "1.2"), (SAMPLER, "1.3")):
        install(tmp_path, module, version=version)
        found.append(ask(tmp_path)[0])
    assert len(set(found)) == 3


def test_own_files_are_part_of_the_code() -> None:
    first, second = own(SAMPLER), own(SAMPLER + "\n")
    assert environment() == environment(()), "nothing of one's own"
    hashes = {code_hash(), code_hash((first,)), code_hash((second,)), code_hash((first, second))}
    assert len(hashes) == 4
    assert code_hash((own(SAMPLER, "renamed.py"),)) == code_hash((first,)), "what it is called changes no number"
    assert environment((first,))["code"] == code_hash((first,))
