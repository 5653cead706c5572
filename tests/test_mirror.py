"""Each module with logic has a file of tests with its name: `judge/many.py` in `tests/judge/test_many.py`.

A package's `__init__.py` goes by the package's name. The recipes are tested by what they make.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ELSEWHERE = {
    "speciarl_verl/__init__.py": "tests/test_api.py",
    # The command that the launch script calls, by way of the script.
    "speciarl_verl/cli/watch_commands.py": "tests/watch/test_train_sh.py",
}
"""Where the name says something else."""


def has_logic(path: Path) -> bool:
    """A function with more than its docstring, outside what only describes other people's classes."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    described = {
        function
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base).startswith("Protocol") for base in node.bases)
        for function in ast.walk(node)
    }
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node not in described
        and not all(isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) for line in node.body)
        for node in ast.walk(tree)
    )


def place_of_tests(module: Path) -> Path:
    """Of a module relative to the root; the package `speciarl_verl` is left out of the path, `data_prep` stays."""
    place = ROOT / "tests" / Path(*module.parts[module.parts[0] == "speciarl_verl" :])
    if module.name == "__init__.py":
        return place.parent.with_name(f"test_{place.parent.name}.py")
    return place.with_name(f"test_{module.name}")


MODULES = sorted(
    path.relative_to(ROOT)
    for package in ("speciarl_verl", "data_prep")
    for path in (ROOT / package).rglob("*.py")
    if has_logic(path)
)


def test_there_are_modules_to_look_at() -> None:
    assert len(MODULES) > 150


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_module_has_its_tests(module: Path) -> None:
    expected = ROOT / ELSEWHERE[str(module)] if str(module) in ELSEWHERE else place_of_tests(module)
    assert expected.is_file(), f"{module} has logic and no {expected.relative_to(ROOT)}"
    functions = ast.walk(ast.parse(expected.read_text(encoding="utf-8")))
    assert any(getattr(one, "name", "").startswith("test_") for one in functions)


@pytest.mark.parametrize(
    ("source", "logic"),
    [
        pytest.param("class A(Protocol):\n    def f(self) -> int:\n        ...", False, id="protocol"),
        pytest.param("class A:\n    x: int = 1", False, id="data"),
        pytest.param("def f():\n    '''Nothing is held open.'''", False, id="nothing done"),
        pytest.param("class A:\n    def f(self):\n        return 1", True, id="method"),
        pytest.param("async def f():\n    await g()", True, id="function"),
    ],
)
def test_logic_is_what_does_something(tmp_path: Path, source: str, logic: bool) -> None:
    (tmp_path / "a.py").write_text(source)
    assert has_logic(tmp_path / "a.py") is logic
