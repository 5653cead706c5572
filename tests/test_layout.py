"""The house: which room may import which, no circles, one name a module, verl's hooks in one place.

Imports count wherever they stand: at the top, inside functions, and for type checking only.
"""

import ast
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("speciarl_verl", "data_prep", "recipes", "tests")
"""From the ground up, too."""

FLOORS: tuple[frozenset[str], ...] = (
    # What anything may stand on.
    frozenset({"method", "errors", "platform_cpu"}),
    frozenset({"files", "checkpoint_shard", "named_function", "draw", "on_white", "data_contract", "prompts"}),
    frozenset({"server_client"}),
    frozenset({"judge"}),
    frozenset({"config"}),
    # A training's rollouts and an evaluation know nothing of each other.
    frozenset({"rollout", "evaluation"}),
    # So do verl's hooks and what looks at a run from its files.
    frozenset({"plugin", "watch", "trained"}),
    frozenset({"preflight", "run_report"}),
    # It asks preflight for the configuration, and is started by train.sh.
    frozenset({"fork_server"}),
    # The library's front door, and the command line, on top.
    frozenset({"speciarl_verl"}),
    frozenset({"cli"}),
)
"""Rooms of `speciarl_verl`, from the ground up: a room imports only from lower floors. `speciarl_verl` is its own
`__init__`."""
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}

MAY_REPEAT = frozenset({"__init__", "__main__", "stage", "cli"})
"""A room has one `stage`, its step of an evaluation, and one `cli`, its command line; every other name stands once."""

VERL = frozenset({"verl", "ray", "transfer_queue", "tensordict"})
VERL_ROOMS = frozenset({"plugin", "platform_cpu"})
VERL_ASKED_BY = "preflight.doctor"
"""It looks at the installation, and hooks into nothing."""

METHOD_LINES = 400


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for package in PACKAGES for path in (ROOT / package).rglob("*.py")}


def imported_names(source: str) -> Iterator[str]:
    """Dotted names of everything that the source imports; of `from a import b` both `a` and `a.b`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the room"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        # `importlib.import_module("...")` and patches by name are no arrows of the layout.


def arrows(name: str) -> set[str]:
    """The modules of ours that a module imports: the most exact ones."""
    found = {imported for imported in imported_names(MODULES[name].read_text()) if imported in MODULES}
    return {one for one in found if not any(other.startswith(f"{one}.") for other in found)} - {name}


ARROWS: Mapping[str, set[str]] = {name: arrows(name) for name in MODULES}


def room(name: str) -> str:
    """`speciarl_verl.judge.llm.vote` -> `judge`; the package itself is its own room."""
    return name.split(".")[1] if "." in name else name


def test_every_room_of_the_package_has_a_floor() -> None:
    rooms = {room(name) for name in MODULES if name.split(".")[0] == "speciarl_verl"}
    assert rooms == LEVEL.keys()


def test_no_import_goes_up_or_sideways() -> None:
    wrong = {
        (room(name), room(imported)): f"{name} -> {imported}"
        for name, targets in ARROWS.items()
        for imported in targets
        if name.startswith("speciarl_verl") and imported.startswith("speciarl_verl") and room(name) != room(imported)
        if LEVEL[room(imported)] >= LEVEL[room(name)]
    }
    assert not wrong


def test_no_package_imports_one_above_it() -> None:
    level = {package: number for number, package in enumerate(PACKAGES)}
    wrong = [
        f"{name} -> {imported}"
        for name, targets in ARROWS.items()
        for imported in targets
        if level[imported.split(".")[0]] > level[name.split(".")[0]]
    ]
    assert not wrong


def test_every_module_of_ours_that_is_imported_is_there() -> None:
    """mypy is told to pass over modules that it does not find."""
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] in PACKAGES:
                assert node.module in MODULES, f"{name} imports from {node.module}"


def test_no_import_circle() -> None:
    try:
        TopologicalSorter(ARROWS).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_no_two_modules_have_one_name() -> None:
    for package in ("speciarl_verl", "data_prep"):
        paths = [path for name, path in MODULES.items() if name.split(".")[0] == package]
        doubles = {stem for stem, count in Counter(path.stem for path in paths).items() if count > 1} - MAY_REPEAT
        assert not doubles
        # A room has one of each.
        assert len(paths) == len({(path.parent, path.stem) for path in paths})


def test_method_needs_the_standard_library_only_and_is_short() -> None:
    files = sorted((ROOT / "speciarl_verl/method").glob("*.py"))
    lines = sum(1 for file in files for line in file.read_text().splitlines() if line.strip())
    assert lines < METHOD_LINES
    for file in files:
        tops = {name.split(".")[0] for name in imported_names(file.read_text())}
        assert tops <= {*sys.stdlib_module_names, "speciarl_verl"}
        ours = {room(name) for name in imported_names(file.read_text()) if name.startswith("speciarl_verl.")}
        assert ours <= {"method"}


def test_verl_is_imported_by_its_hooks_only() -> None:
    """Each is one file of `plugin/`, or part of the CPU platform."""
    users = {
        name
        for name, path in MODULES.items()
        if name.startswith("speciarl_verl") and VERL & {one.split(".")[0] for one in imported_names(path.read_text())}
    }
    outside = {name for name in users if room(name) not in VERL_ROOMS}
    assert outside == {f"speciarl_verl.{VERL_ASKED_BY}"}


def test_each_file_of_the_plugin_is_one_hook_at_most() -> None:
    hooks = Counter(
        path.stem
        for path in (ROOT / "speciarl_verl/plugin").glob("*.py")
        for tree in [ast.parse(path.read_text())]
        for node in tree.body
        if isinstance(node, ast.ClassDef) and verls_names(tree) & {ast.unparse(base) for base in node.bases}
    )
    assert len(hooks) >= 5
    assert set(hooks.values()) == {1}


def verls_names(tree: ast.Module) -> set[str]:
    return {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "verl"
        for alias in node.names
    }
