"""Every command in a README is run by a test, with small inputs, or listed with why it is not; every link leads
somewhere. data_prep's and the judge's READMEs are run whole by tests of their own."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
READMES = [
    ROOT / name
    for name in (
        "README.md",
        "CONTRIBUTING.md",
        "recipes/README.md",
        "recipes/cluster/README.md",
        "recipes/study/README.md",
        "speciarl_verl/evaluation/README.md",
        "tests/README.md",
    )
]
RUN_BY = {
    r"bash recipes/setup\.sh$": "tests/run.sh",
    r"bash tests/run\.sh": ".ci/run",
    r"python -m data_prep ": "tests/data_prep/test_readme.py",
    r"recipes/train\.sh --train": "tests/e2e/test_training.py",
    r"recipes/cluster/ray_node\.sh (head|join)": "tests/e2e/test_two_nodes.py",
    r"python -m recipes\.cluster\.wait_for_nodes": "tests/e2e/test_two_nodes.py",
    r"export (RAY_ADDRESS|CACHE_PASSWORD)=": "tests/e2e/test_two_nodes.py",
    r"sbatch recipes/cluster/train\.slurm": "tests/cluster/test_train_slurm.py",
    r"recipes/serve_judge\.sh --host": "tests/servers/test_serve_judge.py",
    r"recipes/sft\.sh --train": "tests/e2e/test_paper.py",
    r"recipes/paper\.sh (list|main|table)": "tests/paper/test_commands.py",
    r"recipes/evaluate\.sh --model": "tests/evaluation/test_recipe.py",
    r"speciarl compare ": "tests/cli/test_evaluate.py",
    r"speciarl name ": "tests/cli/test_name.py",
    r"speciarl report ": "tests/run_report/test_writing.py",
    r"speciarl export ": "tests/evaluation/predict/test_export.py",
    r"bash recipes/study\.sh": "tests/study/test_run.py",
    r"python -m recipes\.study\.tabular": "tests/study/test_tabular.py",
    r"python -m tests\.benchmarks": "tests/benchmarks/test_measurement.py",
}
NOT_RUN = {
    r"bash recipes/setup\.sh --gpu": "needs CUDA; its order and fallback are tested without (tests/test_setup.py)",
    r"recipes/serve_judge\.sh$": "needs two GPUs; tests/servers serve a tiny model with --device cpu",
    r"bash recipes/quickstart\.sh": "minutes of training; its stages and flags are tested (tests/quickstart)",
    r"\.venv/bin/pre-commit install": "changes the checkout's hooks",
}
LINK = re.compile(r"\]\((?!https?:)([^)#]*)")


def commands(readme: Path) -> list[str]:
    text = readme.read_text(encoding="utf-8")
    blocks = [*re.findall(r"```bash\n(.*?)```", text, re.DOTALL), *re.findall(r"(?:^    \S.*\n)+", text, re.MULTILINE)]
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    bare = [re.sub(r"\s+#.*", "", line).strip() for line in lines]
    return [line for line in bare if line]


CASES = [(readme, command) for readme in READMES for command in commands(readme)]


def test_there_are_commands_to_look_at() -> None:
    assert len(CASES) > 15


@pytest.mark.parametrize(("readme", "command"), CASES, ids=[command[:60] for _, command in CASES])
def test_command_is_run_by_a_test_or_listed(readme: Path, command: str) -> None:
    assert any(re.match(pattern, command) for pattern in (*RUN_BY, *NOT_RUN)), f"{readme}: {command}"


@pytest.mark.parametrize("place", sorted(set(RUN_BY.values())))
def test_what_runs_them_is_there(place: str) -> None:
    assert (ROOT / place).is_file()


@pytest.mark.parametrize("script", ["train.sh", "sft.sh", "evaluate.sh", "quickstart.sh", "paper.sh", "study.sh"])
def test_flags_of_the_readmes_are_the_scripts(script: str) -> None:
    told = {
        flag
        for _, command in CASES
        if f"recipes/{script} " in command
        for flag in re.findall(r"--[a-z][a-z-]*", command)
    }
    files = [ROOT / "recipes" / script, *(ROOT / "recipes" / script.removesuffix(".sh")).glob("*.py")]
    files += [ROOT / "speciarl_verl/cli/evaluate.py", ROOT / "speciarl_verl/cli/judge_flags.py"]
    known = "".join(file.read_text(encoding="utf-8") for file in files if file.is_file())
    assert not {flag for flag in told if flag not in known and flag[2:].replace("-", "_") not in known}


@pytest.mark.parametrize(
    "page",
    [*READMES, ROOT / "data_prep/README.md", ROOT / "speciarl_verl/judge/README.md"],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_links_lead_somewhere(page: Path) -> None:
    targets = {target for target in LINK.findall(page.read_text(encoding="utf-8")) if target}
    assert not [target for target in targets if not (page.parent / target).exists()]


def test_the_top_readme_fits_two_screens() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 110


def test_no_tracked_text_names_a_registry() -> None:
    listed = subprocess.run(
        ["git", "grep", "-lE", r"files\.pythonhosted|pypi\.org/simple"], cwd=ROOT, capture_output=True, text=True
    )
    assert [file for file in listed.stdout.split() if file != "tests/test_readmes.py"] == []
