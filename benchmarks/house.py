"""How much of the house does one trial go through, and how large is it?

    python benchmarks/house.py [--before FOLDER]

Counts the distinct functions of the package that are entered, and their files, in a fresh project from
`sparsetune study studies/ast_pi.yaml --in-process --trials 1` to the last write to MLflow; bodies of modules and
classes are not counted. Beside them stand the lines of code, without blanks, comments and docstrings, and the longest
file. With --before the same of a checkout of an earlier commit.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import os
import subprocess
import sys
import tempfile
import tokenize
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
WATCHED = """
import json, sys, threading
entered, home = set(), sys.argv[1]
def watch(frame, event, argument):
    code = frame.f_code
    if event == "call" and code.co_flags & 2 and code.co_filename.startswith(home):  # functions have locals
        entered.add((code.co_filename, code.co_firstlineno, code.co_name))
threading.setprofile(watch)
sys.setprofile(watch)
from sparsetune.cli import main
sys.argv = ["sparsetune", *sys.argv[2:]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
finally:
    sys.setprofile(None)
    print(json.dumps([len(entered), len({each[0] for each in entered})]), file=sys.stderr)
"""


def entered(folder: Path) -> tuple[int, int]:
    """Functions and files."""
    with tempfile.TemporaryDirectory() as project:
        environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}
        begin = [sys.executable, "-m", "sparsetune", "init", project]
        subprocess.run(begin, env=environment, cwd=project, check=True, capture_output=True)
        arguments = ["study", "studies/ast_pi.yaml", "--in-process", "--trials", "1"]
        command = [sys.executable, "-c", WATCHED, str(folder / "sparsetune"), *arguments]
        done = subprocess.run(command, env=environment, cwd=project, check=True, capture_output=True, text=True)
    functions, files = json.loads(done.stderr.splitlines()[-1])
    return functions, files


def lines_of_code(source: str) -> int:
    """Lines that hold more than blanks, comments and docstrings."""
    said: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                said |= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    silent = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in silent:
            code |= set(range(token.start[0], token.end[0] + 1))
    return len(code - said)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--before", type=Path, help="a checkout of an earlier commit")
    given = options.parse_args()
    counted: dict[str, tuple[int, ...]] = {}
    for name, folder in {"now": HERE, **({"before": given.before.resolve()} if given.before else {})}.items():
        sources = {path: path.read_text() for path in sorted((folder / "sparsetune").rglob("*.py"))}
        longest = max(source.count("\n") for source in sources.values())
        counted[name] = (*entered(folder), len(sources), sum(map(lines_of_code, sources.values())), longest)
    what = ("functions entered", "files entered", "files", "lines of code", "lines of the longest file")
    print(f"{'':28}" + "".join(f"{name:>10}" for name in counted) + (f"{'ratio':>8}" if given.before else ""))
    for place, said in enumerate(what):
        numbers = [each[place] for each in counted.values()]
        ratio = f"{numbers[0] / numbers[1]:8.2f}" if given.before else ""
        print(f"{said:28}" + "".join(f"{number:10,}" for number in numbers) + ratio)


if __name__ == "__main__":
    main()
