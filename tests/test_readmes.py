"""Every command in a README is run by a test, with small inputs, or listed with why it is not; every link leads
somewhere. data_prep's and the judge's READMEs are run whole by tests of their own."""

import re
import shlex
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
    r"bash recipes/setup\.sh$": ["tests/run.sh"],
    r"bash tests/run\.sh": [".ci/run", "tests/run.sh"],
    r"python -m data_prep ": ["tests/data_prep/test_readme.py", "tests/data_prep/test_options.py"],
    r"recipes/train\.sh --train": ["tests/e2e/test_training.py", "tests/e2e/test_two_nodes.py"],
    r"recipes/cluster/ray_node\.sh (head|join)": ["tests/e2e/test_two_nodes.py"],
    r"python -m recipes\.cluster\.wait_for_nodes": ["tests/e2e/test_two_nodes.py"],
    r"export (RAY_ADDRESS|CACHE_PASSWORD)=": ["tests/e2e/test_two_nodes.py"],
    r"sbatch recipes/cluster/train\.slurm": ["tests/cluster/test_train_slurm.py", "tests/e2e/test_training.py"],
    r"recipes/serve_judge\.sh --host": ["tests/servers/test_serve_judge.py"],
    r"recipes/sft\.sh --train": ["tests/preflight/test_sft.py", "tests/e2e/test_paper.py"],
    r"recipes/paper\.sh (list|main|table)": ["tests/paper/test_commands.py"],
    r"recipes/evaluate\.sh --model": [
        *("tests/evaluation/test_recipe.py", "tests/cli/test_evaluate.py", "tests/e2e/test_evaluation.py"),
    ],
    r"speciarl compare ": ["tests/cli/test_evaluate.py"],
    r"speciarl name ": ["tests/cli/test_name.py", "tests/e2e/test_evaluation.py"],
    r"speciarl report ": ["tests/run_report/test_writing.py"],
    r"bash recipes/quickstart\.sh --judge sglang": ["tests/e2e/test_quickstart.py"],
    r"speciarl doctor ": ["tests/cli/test_doctor_command.py"],
    r"speciarl export ": ["tests/e2e/test_paper.py"],
    r"bash recipes/study\.sh": ["tests/study/test_study_sh.py"],
    r"python -m recipes\.study\.tabular": ["tests/study/test_tabular.py"],
    r"python -m tests\.benchmarks": ["tests/benchmarks/test_measurement.py"],
}
"""Where a command is run; between them these files say its own words and all its flags."""
NOT_RUN = {
    r"bash recipes/setup\.sh --gpu": "needs CUDA; its order and fallback are tested without (tests/test_setup.py)",
    r"recipes/serve_judge\.sh$": "needs two GPUs; tests/servers serve a tiny model with --device cpu",
    r"bash recipes/quickstart\.sh$": "minutes of training; its stages and flags are tested (tests/quickstart)",
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


def told(place: Path, seen: frozenset[Path] = frozenset()) -> str:
    """What a file says, with the helpers of tests that it takes its commands from."""
    text = place.read_text(encoding="utf-8")
    modules = re.findall(r"^(?:from|import) (tests[\w.]*)", text, re.MULTILINE) if place.suffix == ".py" else []
    helpers = [ROOT / f"{module.replace('.', '/')}.py" for module in modules] + [place.with_name("conftest.py")]
    return text + "".join(told(one, seen | {place}) for one in helpers if one.is_file() and one not in seen | {place})


def distinguishing_words(command: str) -> list[str]:
    """A script's name, a module, a command of `speciarl` or of a script; then the flags."""
    words = shlex.split(command)
    if words[0] == "export":
        return [words[1].partition("=")[0]]
    own = [word for word in words if word not in ("bash", "python", "-m", "speciarl")]
    named = [own[0].split("/")[-1]]
    if re.search(r"(paper|ray_node)\.sh$", own[0]):
        named.append(f'"{own[1]}"')
    elif words[0] == "speciarl":
        named = [f'"{own[0]}"']
    return [*named, *(word for word in own if re.match("--[a-z]", word))]


RUN = [(command, places) for _, command in CASES for pattern, places in RUN_BY.items() if re.match(pattern, command)]


@pytest.mark.parametrize(("command", "places"), RUN, ids=[command[:60] for command, _ in RUN])
def test_what_runs_a_command_says_its_words(command: str, places: list[str]) -> None:
    text = "".join(told(ROOT / place) for place in places)
    assert [word for word in distinguishing_words(command) if word not in text] == []


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("python -m data_prep cub --source a.tgz", ["data_prep", "--source"]),
        ("bash recipes/study.sh --only 'dynamic N=8' --seed 7", ["study.sh", "--only", "--seed"]),
        ("speciarl compare a b --out c", ['"compare"', "--out"]),
        ("recipes/paper.sh table outputs/paper", ["paper.sh", '"table"']),
        ("export RAY_ADDRESS=10.0.0.1:6379", ["RAY_ADDRESS"]),
    ],
)
def test_words_are_what_tells_one_command_from_another(command: str, words: list[str]) -> None:
    assert distinguishing_words(command) == words


@pytest.mark.parametrize("script", ["train.sh", "sft.sh", "evaluate.sh", "quickstart.sh", "paper.sh", "study.sh"])
def test_flags_of_the_readmes_are_the_scripts(script: str) -> None:
    given = {
        flag
        for _, command in CASES
        if f"recipes/{script} " in command
        for flag in re.findall(r"--[a-z][a-z-]*", command)
    }
    files = [ROOT / "recipes" / script, *(ROOT / "recipes" / script.removesuffix(".sh")).glob("*.py")]
    files += [ROOT / "speciarl_verl/cli/evaluate.py", ROOT / "speciarl_verl/cli/judge_flags.py"]
    known = "".join(file.read_text(encoding="utf-8") for file in files if file.is_file())
    assert not {flag for flag in given if flag not in known and flag[2:].replace("-", "_") not in known}


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
