"""What errors of input say: their wording stands in `wordings.txt`, which `make wordings` writes anew.

Tests elsewhere assert an error's fields (`key`, `found`, `allowed`, `code`); who changes a sentence sees it here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "sparsetune"
WORDINGS = Path(__file__).with_name("wordings.txt")
PARTS = ("problem", "found", "allowed", "code")


def wordings() -> str:
    """A paragraph for each room, a line for each sentence that it may say, by the alphabet."""
    rooms: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room != "testing":
            rooms.setdefault(room, set()).update(sentences(ast.parse(path.read_text())))
    return "\n".join("\n".join([f"[{room}]", *sorted(said), ""]) for room, said in sorted(rooms.items()) if said)


def sentences(tree: ast.Module) -> Iterator[str]:
    """What the errors that a file makes say, with expressions in braces."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            texts = assigned(function)
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and ast.unparse(call.func) in ("BadInput", "BadInput.unknown"):
                    yield sentence(call, texts)


def sentence(call: ast.Call, texts: dict[str, list[str]]) -> str:
    parts = dict(zip(("problem",), (template(each, texts) for each in call.args), strict=False))
    parts |= {each.arg: template(each.value, texts) for each in call.keywords if each.arg in PARTS}
    if isinstance(call.func, ast.Attribute):
        parts = {"problem": f"unknown {parts.get('problem', '')}"}
    return "; ".join(f"{name}: {parts[name]}" for name in PARTS if name in parts)


def template(node: ast.expr, texts: dict[str, list[str]]) -> str:
    """A text with its expressions in braces; of a name all that it is set to."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            each.value if isinstance(each, ast.Constant) else f"{{{ast.unparse(each.value)}}}"
            for each in node.values
            if isinstance(each, ast.FormattedValue) or isinstance(each.value, str)
        )
    if isinstance(node, ast.Name) and node.id in texts:
        return " | ".join(texts[node.id])
    return f"{{{ast.unparse(node)}}}"


def assigned(function: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, list[str]]:
    """The texts that a function gives to names of its own."""
    texts: dict[str, list[str]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.JoinedStr):
            for name in node.targets:
                if isinstance(name, ast.Name) and template(node.value, {}):
                    texts.setdefault(name.id, []).append(template(node.value, {}))
    return texts


def test_errors_say_what_they_said() -> None:
    assert WORDINGS.read_text() == wordings(), "`make wordings` takes the new ones; look at the difference"


if __name__ == "__main__":
    WORDINGS.write_text(wordings())
