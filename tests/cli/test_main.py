"""What a command costs before it does anything, told by the modules that it imports."""

import pytest

from tests.fresh_python import run

HEAVY = ("rich", "markdown_it", "numpy", "pyarrow", "datasets", "aiohttp", "tqdm", "hydra", "omegaconf", "yaml",
         "scipy", "jinja2", "PIL", "torch", "verl", "ray", "transformers", "matplotlib", "redis", "sqlite3", "tenacity",
         *(f"speciarl_verl.{room}" for room in ("judge.llm", "judge.cache", "judge.calibration", "evaluation", "config",
                                                "preflight", "plugin", "rollout", "server_client.transport"))
         )  # fmt: skip


@pytest.mark.parametrize(
    ("command", "unneeded"),
    [
        pytest.param(["speciarl", "--help"], ("pydantic", "asyncio"), id="help"),
        pytest.param(["speciarl", "judge", "--help"], (), id="help of a group"),
        pytest.param(
            ["speciarl", "judge", "pair", "--prediction", "crow", "--ground-truth", "American Crow"],
            ("concurrent.futures.process", "pydantic.root_model"),
            id="taxonomy",
        ),
        pytest.param(["data_prep", "--help"], ("pydantic", "asyncio"), id="data_prep"),
    ],
)
def test_command_imports_only_what_it_needs(command: list[str], unneeded: tuple[str, ...]) -> None:
    module = "speciarl_verl.cli" if command[0] == "speciarl" else "data_prep"
    code = f"""
        import runpy, sys
        sys.argv = {command!r}
        try:
            runpy.run_module({module!r}, run_name="__main__")
        except SystemExit as end:
            print(end.code or 0, [name for name in {HEAVY + unneeded!r} if name in sys.modules])
    """
    assert run(code).splitlines()[-1] == "0 []"
