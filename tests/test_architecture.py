"""The shape of the package: who may import whom, what loads when, and that it knows no machine."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sparsetune.config.metrics import SHARED
from sparsetune.search.pruners import PRUNERS
from sparsetune.sparsity.methods import METHODS, METRICS

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "sparsetune").rglob("*.py"))
HEAVY = ("torch", "ray", "mlflow", "optuna", "pandas", "sklearn", "plotly")


def python(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_rooms_import_only_what_they_may() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(
        [lint, "--no-cache"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"Contracts: (\d+) kept, 0 broken", done.stdout)
    assert found is not None
    assert int(found[1]) >= 6


def test_the_root_holds_rooms_and_nothing_else() -> None:
    found = {path.name for path in (ROOT / "sparsetune").iterdir() if path.is_file()}
    assert found == {"__init__.py", "__main__.py", "py.typed"}


def stored(tree: ast.Module) -> set[str]:
    """The names that a file gives to variables, parameters, functions and classes."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return names | {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def test_names_say_what_they_hold() -> None:
    said = {"found": {"base/errors.py", "doctor/finding.py"}}  # what an error and doctor --json call it
    for path in SOURCES:
        empty = {"found", "known", "given"} & stored(ast.parse(path.read_text()))
        rest = {name for name in empty if str(path.relative_to(ROOT / "sparsetune")) not in said.get(name, set())}
        assert not rest, f"{path}: say what {rest} holds"


ROOMS = sorted(path.parent.name for path in (ROOT / "sparsetune").glob("*/__init__.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is_for_and_what_it_may_import(room: str) -> None:
    said = ast.get_docstring(ast.parse((ROOT / "sparsetune" / room / "__init__.py").read_text()))
    assert said is not None
    assert re.search(r"\n\n.*\bimports?\b", said, re.IGNORECASE | re.DOTALL), said


@pytest.mark.parametrize(
    ("package", "files"),
    [
        ("ray", {f"execution/ray_{name}.py" for name in ("desk", "private", "start", "tune", "workers")}),
        ("mlflow", {"tracking/library.py", "tracking/models.py"}),
    ],
)
def test_a_package_enters_through_few_files(package: str, files: set[str]) -> None:
    line = re.compile(rf"^\s*(?:import|from) {package}\b", re.MULTILINE)
    found = {str(path.relative_to(ROOT / "sparsetune")) for path in SOURCES if line.search(path.read_text())}
    assert {name for name in found if not name.startswith("testing/")} == files


SHOW = f"print([name for name in {HEAVY!r} if name in sys.modules])"


@pytest.mark.parametrize(
    "module",
    ["sparsetune", "sparsetune.cli", "sparsetune.app.study", "sparsetune.drive.driver", "sparsetune.sparsity.methods"],
)
def test_importing_loads_nothing_heavy(module: str) -> None:
    assert python(f"import sys, {module}; {SHOW}") == "[]\n"


@pytest.mark.parametrize("arguments", [["--help"], ["study", "--help"], ["run", "--help"], ["methods", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = f"""
import sys
from sparsetune.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
{SHOW}
"""
    said = python(code, *arguments)
    assert "Usage: " in said
    assert said.splitlines()[-1] == "[]"


def test_init_loads_nothing_of_the_doctor(tmp_path: Path) -> None:
    code = """
import sys
from sparsetune.cli import main
try:
    main()
finally:
    print("sparsetune.doctor" in sys.modules)
"""
    assert python(code, "init", str(tmp_path / "demo")).splitlines()[-1] == "False"


ALONE = """
import importlib, pkgutil, sys, types
for name in ("ray", "mlflow", "optuna"):
    sys.modules[name] = None  # an import of it fails
for name in ("base", "config", "sparsity", "data", "models", "measures", "training"):
    room = importlib.import_module(f"sparsetune.{name}")
    for module in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
        importlib.import_module(module.name)
from sparsetune.base.messages import Job, Key
from sparsetune.config.trial import resolve_trial
from sparsetune.training.registries import REGISTRIES
from sparsetune.training.trial import run_trial
raw = {"method": "ast", "data": "digits", "model": {"name": "mlp", "hidden": [8]}, "training": {"epochs": 2}}
reports = list(run_trial(Job(Key(0), resolve_trial(raw, REGISTRIES).plain(), sys.argv[1])))
print([row.epoch for report in reports for row in report.rows], reports[-1].outcome.state)
"""


def test_a_machine_with_torch_alone_can_train(tmp_path: Path) -> None:
    assert python(ALONE, str(tmp_path)) == "[1, 2] COMPLETE\n"


def test_the_package_knows_no_machine() -> None:
    """No absolute path of anyone's machine stands in the code."""
    machine = re.compile(r"""["'(\s=](/(work|home|root|Users|mnt|scratch|data|tmp)\b|[A-Z]:\\\\)|shared/data""")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in SOURCES
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if machine.search(line)
    ]
    assert found == []
    assert machine.search('x = "/home/me/a"')
    assert machine.search("root = shared/data")


def test_methods_do_not_import_each_other() -> None:
    """Unless one is the other with a difference, which it then says by subclassing it."""
    for path in (ROOT / "sparsetune" / "sparsity" / "methods").glob("*.py"):
        imports = re.findall(r"^from sparsetune\.sparsity\.methods\.(\w+) import (\w+)", path.read_text(), re.MULTILINE)
        for other in (name for module, name in imports if module != f"{path.stem}_metrics"):
            assert re.search(rf"^class \w+\(.*\b{other}\b.*\):", path.read_text(), re.MULTILINE), (
                f"{path.name}: {other}"
            )


OWNERS = ("sparsity/", "testing/", "starter/")  # methods with their registry and mixins; toys; studies


def literals(path: Path) -> set[str]:
    """Text that stands in a file by itself, docstrings aside."""
    return {
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_no_room_knows_a_method_by_its_name_settings_or_numbers() -> None:
    names = METHODS.names()
    settings = {field for name in names for field in METHODS.get(name).Config.model_fields} - {"name"}
    telling = {field for field in settings if "_" in field} - {"mc_samples"}  # an option of commands, too
    numbers = METRICS.keys() - SHARED.keys() - {*PRUNERS.names()}
    own = {*names, *telling, *(f"method.{field}" for field in settings), *numbers}
    found = {
        str(path.relative_to(ROOT / "sparsetune")): sorted(known)
        for path in SOURCES
        if not str(path.relative_to(ROOT / "sparsetune")).startswith(OWNERS) and (known := literals(path) & own)
    }
    assert found == {}
