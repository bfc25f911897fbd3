"""The code in docs/ runs, and shows what the page says it shows."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "python.md").read_text()
NOTEBOOK = (ROOT / "docs" / "python_api.py").read_text()


def cells() -> list[tuple[str, str]]:
    """Code and shown output of each cell of the page."""
    return re.findall(r"```python\n(.*?)```\n```text\n(.*?)```", PAGE, re.DOTALL)


def test_page_and_notebook_have_the_same_cells() -> None:
    noted = [cell.strip() for cell in re.split(r"^# %%\n", NOTEBOOK, flags=re.MULTILINE)[1:]]
    assert noted == [code.strip() for code, _ in cells()]
    assert len(noted) == PAGE.count("```python")


@pytest.mark.slow
def test_the_cells_show_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All words agree; numbers depend on the processor."""
    for folder in ("studies", "search_spaces"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    names: dict[str, Any] = {}
    for code, shown in cells():
        value = execute(code, names)
        said = capsys.readouterr().out + ("" if value is None else repr(value))
        assert words(said) == words(shown), said
    assert (tmp_path / "best.yaml").exists()


def execute(code: str, names: dict[str, Any]) -> Any:
    """Run a cell as a notebook does; the value of its last line if that is an expression."""
    body = ast.parse(code).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if isinstance(last, ast.Expr) else None


def words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_]\w*", text))
