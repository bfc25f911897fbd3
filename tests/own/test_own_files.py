"""A file of one's own becomes a module: once, by what it says, and with errors that name its line."""

from __future__ import annotations

import inspect
import linecache
import pickle
import sys
import traceback
from pathlib import Path

import pytest

from sparsetune.base.errors import BadInput
from sparsetune.config.own import module_of, read_own

from .files import METHOD, own


def read(folder: Path, *paths: str) -> None:
    read_own(paths, folder, folder / "study.yaml")


def refusal(folder: Path, content: str | bytes, name: str = "my_method.py") -> str:
    """What is said of a file, without the folder."""
    raw = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(raw)
    with pytest.raises(BadInput) as raised:
        read(folder, name)
    assert "\n" not in str(raised.value)
    return str(raised.value).replace(f"{folder}/", "")


def test_a_file_is_read_as_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.py").write_text(METHOD)
    (file,) = read_own(["own/a.py"], tmp_path, tmp_path / "study.yaml")
    assert (file.name, file.text) == ("own/a.py", METHOD)
    (absolute,) = read_own([str(tmp_path / "own" / "a.py")], Path("elsewhere"), "study.yaml")
    assert absolute.text == METHOD


def test_encodings_and_line_ends_are_those_of_python(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes("# -*- coding: latin-1 -*-\r\nNAME = 'é'\r\n".encode("latin-1"))
    (file,) = read_own(["a.py"], tmp_path, "study.yaml")
    assert file.text.splitlines()[1] == "NAME = 'é'"
    assert "\r" not in file.text
    assert module_of(file).NAME == "é"


def test_what_cannot_be_imported(tmp_path: Path) -> None:
    assert refusal(tmp_path, "x = (\n") == "my_method.py: line 1: SyntaxError: '(' was never closed"
    assert refusal(tmp_path, "x = 1\nif x:\ny = 2\n") == (
        "my_method.py: line 3: IndentationError: expected an indented block after 'if' statement on line 2"
    )
    assert refusal(tmp_path, "\nimport nobody_has_this\n") == (
        "my_method.py: line 2: ModuleNotFoundError: No module named 'nobody_has_this'"
    )
    assert refusal(tmp_path, "def f():\n    return 1 / 0\n\nf()\n") == (
        "my_method.py: line 2: ZeroDivisionError: division by zero"
    )
    assert refusal(tmp_path, "import json\njson.loads('{')\n").startswith("my_method.py: line 2: JSONDecodeError: ")
    assert refusal(tmp_path, "raise SystemExit(3)\n") == "my_method.py: line 1: SystemExit: 3"
    assert refusal(tmp_path, "x = '\0'\n").startswith("my_method.py: ")
    assert refusal(tmp_path, b"x = '\xff'\n").startswith("my_method.py: no text: ")
    assert refusal(tmp_path, "# coding: nonsense\n").startswith("my_method.py: no text: unknown encoding")


def test_what_is_no_file_of_python(tmp_path: Path) -> None:
    assert refusal(tmp_path, METHOD, "my_method.txt") == (
        "study.yaml: import.0: found 'my_method.txt', allowed: Python files (.py)"
    )
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "a.py").write_text(METHOD)
    for paths, said in {
        ("a.py", "none.py"): f"import.1: found 'none.py': no such file in {tmp_path}",
        ("folder.py",): "import.0: found 'folder.py': Is a directory",
        ("a.py", "a.py"): "import.1: 'a.py' stands twice",
    }.items():
        with pytest.raises(BadInput) as raised:
            read(tmp_path, *paths)
        assert str(raised.value) == f"{tmp_path / 'study.yaml'}: {said}"


def test_a_file_that_failed_leaves_nothing_and_can_be_mended() -> None:
    before = set(sys.modules)
    with pytest.raises(BadInput, match=r"my_method\.py: line 1: NameError"):
        module_of(own("unknown_name\n"))
    assert set(sys.modules) == before


def test_it_is_imported_once() -> None:
    file = own(METHOD + "\nimport itertools\nCOUNT = itertools.count()\n")
    assert module_of(file) is module_of(own(file.text))
    assert module_of(file).__name__ in sys.modules


def test_two_versions_do_not_mix() -> None:
    first, second = own(METHOD), own(METHOD.replace("VALUE = 1", "VALUE = 2"))
    one, two = module_of(first).METHODS["mine"], module_of(second).METHODS["mine"]
    assert (one.VALUE, two.VALUE) == (1, 2)
    assert "VALUE = 1" in inspect.getsource(one)
    assert "VALUE = 2" in inspect.getsource(two)


def test_its_objects_can_be_pickled() -> None:
    text = "from dataclasses import dataclass\n@dataclass\nclass Point:\n    x: int\n\ndef f() -> int:\n    return 3\n"
    module = module_of(own(text))
    point = pickle.loads(pickle.dumps(module.Point(4)))
    assert point == module.Point(4)
    assert pickle.loads(pickle.dumps(module.f))() == 3


def test_a_traceback_shows_its_lines() -> None:
    module = module_of(own("def broken() -> None:\n    raise ValueError('of mine')\n"))
    linecache.checkcache()  # as the standard library does before it prints
    try:
        module.broken()
    except ValueError:
        said = traceback.format_exc()
    assert 'File "my_method.py (' in said
    assert "line 2, in broken" in said
    assert "raise ValueError('of mine')" in said


def test_it_is_compiled_as_it_stands() -> None:
    """Without what this package's own files switch on."""
    module = module_of(own("def f(x: int) -> None: ...\n"))
    assert module.f.__annotations__ == {"x": int, "return": None}
