"""`speciarl name` against a scripted server; with the tiny policy and vLLM it runs in tests/e2e."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from speciarl_verl.cli.main import app
from speciarl_verl.prompts import load_prompt
from tests.evaluation.small_set import png
from tests.evaluation.vision_server import choices, running, shade


def name(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["name", *map(str, arguments)])


def picture(folder: Path, number: int) -> Path:
    path = folder / f"{number}.png"
    path.write_bytes(png(number))
    return path


def test_each_picture_gets_its_line_in_the_order_given(tmp_path: Path) -> None:
    files = [picture(tmp_path, number) for number in (30, 10, 20)]
    with running() as server:
        server.respond = lambda body: choices(f"<think>It is {shade(body)}.</think><answer>bird {shade(body)}</answer>")
        done = name(*files, "--server", server.url)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [f"{file}: bird {file.stem}" for file in files]
    assert server.requests[0]["temperature"] == 0
    assert server.requests[0]["messages"][0]["content"][1]["text"] == load_prompt("train")


def test_thinking_is_shown_on_request_and_an_answer_missed(tmp_path: Path) -> None:
    file = picture(tmp_path, 1)
    with running() as server:
        server.respond = lambda _: choices("<think>A beak.\nRed.</think> It is a robin.")
        done = name(file, "--server", server.url, "--thinking", "--prompt", "short")
    assert done.stdout.splitlines() == [
        f"{file}: (no answer: no-answer)",
        "    <think>A beak.",
        "    Red.</think> It is a robin.",
    ]
    assert server.requests[0]["messages"][0]["content"][1]["text"] == load_prompt("short")


def test_a_terminal_obeys_nothing_that_a_model_wrote(tmp_path: Path) -> None:
    with running() as server:
        server.respond = lambda _: choices("<answer>\x1b[2Jrobin\x07</answer>")
        done = name(picture(tmp_path, 1), "--server", server.url)
    assert done.stdout.endswith(": \\x1b[2Jrobin\\x07\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "No such file or directory: name a picture that is there", id="missing"),
        pytest.param(b"GIF89a nothing", "the picture cannot be opened", id="no picture"),
        pytest.param(png(1)[:60], "the picture cannot be opened", id="cut short"),
    ],
)
def test_a_bad_picture_is_one_line_before_anybody_is_asked(tmp_path: Path, content: bytes | None, message: str) -> None:
    bad = tmp_path / "bad.png"
    if content is not None:
        bad.write_bytes(content)
    with running() as server:
        done = name(picture(tmp_path, 1), bad, "--server", server.url)
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"speciarl: {bad}: ")
    assert message in line
    assert not server.requests
    assert done.stdout == ""


def test_a_folder_is_refused(tmp_path: Path) -> None:
    done = name(tmp_path, "--server", "http://127.0.0.1:9")
    assert (done.exit_code, done.stderr) == (2, f"speciarl: {tmp_path}: is a folder: name the pictures in it\n")


@pytest.mark.parametrize("flags", [[], ["--model", "m", "--server", "http://127.0.0.1:9"]], ids=["none", "both"])
def test_one_place_of_the_model_is_named(tmp_path: Path, flags: list[str]) -> None:
    done = name(picture(tmp_path, 1), *flags)
    assert (done.exit_code, done.stderr) == (2, "speciarl: name one: --model DIR, or --server URL\n")


def test_a_picture_that_fails_is_named(tmp_path: Path) -> None:
    file = picture(tmp_path, 1)
    with running() as server:
        server.respond = lambda _: (400, {"error": {"message": "too large"}})
        done = name(file, "--server", server.url)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"speciarl: {file}: ")
    assert "too large" in done.stderr
