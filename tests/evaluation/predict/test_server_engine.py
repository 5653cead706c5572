import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tenacity.wait import wait_none

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.pictures import PictureRow, read_pictures
from speciarl_verl.evaluation.predict.engine import PictureResponses, picture_seed
from speciarl_verl.evaluation.predict.server_engine import PLACEHOLDERS, ServerEngine, ServerSettings, served_model
from speciarl_verl.evaluation.run import EngineKind, PredictSettings
from speciarl_verl.server_client import retry as http_retry
from speciarl_verl.server_client.transport import Patience
from tests.evaluation.small_set import png, small_set, write_set
from tests.evaluation.vision_server import VisionServer, choices, count, picture, running, shade

GREEDY = PredictSettings(engine=EngineKind.SERVER, samples=1, temperature=0.0, top_p=1.0, max_tokens=99, seed=0)
SAMPLED = PredictSettings(engine=EngineKind.SERVER, samples=4, temperature=0.6, top_p=0.95, max_tokens=99, seed=3)


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_retry, "BACKOFF", wait_none())


def ask(
    server: VisionServer | str, pictures: list[PictureRow], sampling: PredictSettings = GREEDY, **settings: Any
) -> list[PictureResponses]:
    url = server if isinstance(server, str) else server.url
    patience: dict[str, Any] = {"timeout_s": 5, "budget_s": 5, **settings}
    with closing(ServerEngine(ServerSettings(url, **patience), sampling, "What?")) as engine:
        answers = list(engine.answers(pictures))
    return sorted(answers, key=lambda answer: answer.picture.row)


def test_every_picture_gets_its_own_answer(tmp_path: Path) -> None:
    full = threading.Event()

    def respond(body: dict[str, Any]) -> Any:
        # The first ones wait until as many as allowed are in flight.
        if server.busy == 8:
            full.set()
        assert full.wait(20)
        return choices(f"shade {shade(body)}")

    with running() as server:
        server.respond = respond
        answers = ask(server, small_set(tmp_path, count=40), concurrency=8, timeout_s=30)
    assert [answer.responses[0].text for answer in answers] == [f"shade {row}" for row in range(40)]
    assert {answer.responses[0].tokens for answer in answers} == {7}
    assert server.busiest == 8


@pytest.mark.parametrize("owner", ["vllm", "sglang", "someone"])
def test_request_is_the_prompt_of_training(tmp_path: Path, owner: str) -> None:
    with running(owner) as server:
        ask(server, small_set(tmp_path, count=1))
    (body,) = server.requests
    (message,) = body["messages"]
    assert message["role"] == "user"
    assert [part["type"] for part in message["content"]] == ["image_url", "text"]
    assert message["content"][1]["text"] == "What?"
    assert picture(body).size == (56, 56)
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("seer", 0.0, 99)
    # The model's own generation defaults must not come in; and OpenAI's protocol knows none of these.
    assert body.get("repetition_penalty") == (None if owner == "someone" else 1.0)
    assert body.get("top_k") == (None if owner == "someone" else -1)
    assert body.get("bad_words") == (list(PLACEHOLDERS) if owner == "vllm" else None)
    assert "seed" not in body


def test_picture_is_resized_before_it_travels(tmp_path: Path) -> None:
    file = write_set(tmp_path / "a.parquet", ["Wren"], pictures=[png(5, (200, 100))])
    with running() as server:
        ask(server, read_pictures([file]))
    assert picture(server.requests[0]).size == (196, 112)


def test_samples_are_drawn_with_the_pictures_seed(tmp_path: Path) -> None:
    pictures = small_set(tmp_path, count=2)
    with running() as server:
        server.respond = lambda body: choices(*[f"{body['seed']}+{i}" for i in range(count(body))])
        answers = ask(server, pictures, SAMPLED)
    assert [body["n"] for body in server.requests] == [4, 4]
    assert server.requests[0]["top_p"] == 0.95
    for answer in answers:
        seed = picture_seed(3, answer.picture)
        assert [response.text for response in answer.responses] == [f"{seed}+{i}" for i in range(4)]


def test_a_server_that_gives_one_choice_is_asked_until_there_are_enough(tmp_path: Path) -> None:
    with running() as server:
        server.respond = lambda body: choices(str(body["seed"]))
        (answer,) = ask(server, small_set(tmp_path, count=1), SAMPLED)
    seed = picture_seed(3, answer.picture)
    assert [response.text for response in answer.responses] == [str(seed + i) for i in range(4)]


def test_thoughts_split_off_by_the_server_are_put_back(tmp_path: Path) -> None:
    with running() as server:
        server.respond = lambda body: choices("<answer>jay</answer>", reasoning_content="blue crest")
        (answer,) = ask(server, small_set(tmp_path, count=1))
    assert answer.responses[0].text == "<think>blue crest</think><answer>jay</answer>"


@pytest.mark.parametrize("fault", [(503, {"error": "busy"}), (429, {}), (200, {"error": "oops"}), (200, [1])])
def test_passing_faults_are_retried(tmp_path: Path, fault: tuple[int, object]) -> None:
    with running() as server:
        server.script.extend([fault] * 3)
        answers = ask(server, small_set(tmp_path, count=3))
    assert all(answer.failure is None for answer in answers)
    assert len(server.requests) == 6


def test_a_picture_that_keeps_failing_is_a_failed_answer(tmp_path: Path) -> None:
    with running() as server:
        server.respond = lambda body: (500, {"error": "cuda\nerror"}) if shade(body) == 1 else choices("x")
        answers = ask(server, small_set(tmp_path, count=3), budget_s=0.2)
    assert [answer.failure is None for answer in answers] == [True, False, True]
    assert "HTTP 500" in str(answers[1].failure)
    assert "\n" not in str(answers[1].failure)
    assert not answers[1].fault_of_picture


def test_a_request_that_is_refused_is_not_retried(tmp_path: Path) -> None:
    with running() as server:
        server.respond = lambda body: (400, {"error": "too many tokens"}) if shade(body) == 1 else choices("x")
        answers = ask(server, small_set(tmp_path, count=3))
    assert "too many tokens" in str(answers[1].failure)
    assert len(server.requests) == 3


def test_a_broken_picture_is_not_sent(tmp_path: Path) -> None:
    file = write_set(tmp_path / "a.parquet", ["Wren", "Robin"], pictures=[b"<html>", png(1)])
    with running() as server:
        first, second = ask(server, read_pictures([file]))
    assert first.fault_of_picture
    assert "cannot be opened" in str(first.failure)
    assert second.failure is None
    assert len(server.requests) == 1


def test_a_server_that_is_not_there_is_said_at_once() -> None:
    with pytest.raises(EvaluationError, match=r"server http://127\.0\.0\.1:9/v1/models: cannot connect.*started"):
        ask("http://127.0.0.1:9", [])


def test_a_server_that_goes_away_ends_the_stage_with_what_came(tmp_path: Path) -> None:
    pictures = small_set(tmp_path, count=200)
    with running() as server:
        settings = ServerSettings(server.url, timeout_s=5, budget_s=0.3, concurrency=4)
        with closing(ServerEngine(settings, GREEDY, "What?")) as engine:
            answers = engine.answers(pictures)
            came = [next(answers) for _ in range(5)]
            server.shutdown()
            server.server_close()
            # Connections that are open are answered still: only new ones are refused.
            server.respond = lambda body: (503, {})
            engine._transport._session.headers["Connection"] = "close"
            with pytest.raises(EvaluationError, match=r"cannot connect.* resume"), closing(answers):
                came += list(answers)
    assert 5 <= len(came) < 200


def test_stopping_does_not_wait_for_requests_in_flight(tmp_path: Path) -> None:
    release = threading.Event()
    with running() as server:

        def respond(body: dict[str, Any]) -> Any:
            if shade(body):
                release.wait(30)
            return choices("x")

        server.respond = respond
        settings = ServerSettings(server.url, timeout_s=30, budget_s=30, concurrency=4)
        with closing(ServerEngine(settings, GREEDY, "What?")) as engine:
            with closing(engine.answers(small_set(tmp_path, count=4))) as answers:
                next(answers)
            assert not release.is_set()
        release.set()


def test_a_slow_answer_is_bounded_by_the_timeout(tmp_path: Path) -> None:
    with running() as server:
        never = threading.Event()
        server.respond = lambda body: (never.wait(60), choices("late"))[1]
        with closing(ServerEngine(ServerSettings(server.url), GREEDY, "What?")) as engine:
            # Of the pictures alone: which model is served has all the time that a busy machine takes.
            engine._patience = Patience(timeout_s=0.1, budget_s=0.15, retry_s=0.15)
            (answer,) = engine.answers(small_set(tmp_path, count=1))
        never.set()
    assert "no answer within 0.1 s" in str(answer.failure)


def test_key_is_sent_and_never_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEER_KEY", "top-secret")
    with running() as server:
        server.script.append((401, {"error": "top-secret is wrong"}))
        with pytest.raises(EvaluationError, match=r"HTTP 401.*--api-key-env") as caught:
            ask(server, small_set(tmp_path, count=1), api_key_env="SEER_KEY")
    assert server.headers[0]["Authorization"] == "Bearer top-secret"
    assert "top-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param({"url": "ftp://x"}, "must look like", id="scheme"),
        pytest.param({"url": "http://me:secret@host"}, "no credentials", id="credentials"),
        pytest.param(
            {"url": "http://host", "api_key_env": "NOT_SET"}, "--api-key-env names NOT_SET, but .* not set", id="no key"
        ),
        pytest.param({"url": "http://host", "api_key_file": "/nowhere"}, "--api-key-file /nowhere", id="no file"),
    ],
)
def test_unusable_settings_are_refused(settings: dict[str, str], message: str) -> None:
    with pytest.raises(EvaluationError, match=message) as caught:
        ServerEngine(ServerSettings(**settings), GREEDY, "What?")  # type: ignore[arg-type]
    assert "secret" not in str(caught.value)


def test_a_model_that_is_not_served_is_refused() -> None:
    with running() as server, pytest.raises(EvaluationError, match=r"does not serve 'other': .* one of seer"):
        ask(server, [], model="other")


def said(content: object, ending: str = "stop", **message: object) -> tuple[int, object]:
    """A chat completion of any content."""
    return 200, {"choices": [{"message": {"content": content, **message}, "finish_reason": ending}]}


def test_s1_a_named_model_needs_no_list_of_models(tmp_path: Path) -> None:
    with running() as server:
        server.listing = (401, {"error": "no key"})
        (answer,) = ask(server, small_set(tmp_path, count=1), model="mine")
        with pytest.raises(EvaluationError, match=r"HTTP 401.*--served-model"):
            ask(server, [])
    assert answer.failure is None
    (body,) = server.requests
    assert body["model"] == "mine"
    assert "bad_words" not in body


TEXT = {"type": "text", "text": "<answer>jay</answer>"}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param([{"type": "text", "text": "<answer>"}, {"type": "text", "text": "jay</answer>"}],
                     "<answer>jay</answer>", id="text parts are joined"),
        pytest.param([{"type": "thinking", "thinking": "blue"}, TEXT],
                     "<think>blue</think><answer>jay</answer>", id="thinking parts are thinking"),
        pytest.param([], "", id="no part"),
        pytest.param(None, "", id="null"),
    ],
)  # fmt: skip
def test_s2_parts_are_read(tmp_path: Path, content: object, text: str) -> None:
    with running() as server:
        server.script.append(said(content))
        (answer,) = ask(server, small_set(tmp_path, count=1))
    assert [response.text for response in answer.responses] == [text]


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        pytest.param(said([TEXT, {"type": "image_url", "image_url": {}}]), "'image_url'", id="a picture"),
        pytest.param(said({"text": "jay"}), "a dict", id="an object"),
        pytest.param(said([{"type": "text", "text": None}]), "no text", id="a part without text"),
        pytest.param((200, {"choices": [{"text": "jay"}]}), "without a message", id="no message"),
        pytest.param(said(None, "content_filter"), "content_filter", id="kept back"),
        pytest.param(said(None, refusal="I cannot"), "refusal", id="refused"),
    ],
)
def test_s2_anything_else_fails_the_sample(tmp_path: Path, reply: tuple[int, object], message: str) -> None:
    with running() as server:
        server.script.append(reply)
        answers = ask(server, small_set(tmp_path, count=2), concurrency=1)
    assert message in str(answers[0].failure)
    assert answers[1].failure is None
    assert len(server.requests) == 2


def test_an_answer_that_was_broken_off_is_asked_for_again(tmp_path: Path) -> None:
    with running() as server:
        server.script.append(said("<answer>j", "abort"))
        (answer,) = ask(server, small_set(tmp_path, count=1))
    assert answer.responses[0].text == "<answer>bird</answer>"


def test_s5_fields_of_the_request_are_the_users(tmp_path: Path) -> None:
    body = {"max_tokens": None, "max_completion_tokens": 77, "temperature": None, "reasoning_effort": "low"}
    with running("someone") as server:
        ask(server, small_set(tmp_path, count=1), body=body)
    (sent,) = server.requests
    assert set(sent) == {"model", "messages", "max_completion_tokens", "reasoning_effort"}


@pytest.mark.parametrize("body", [{"messages": []}, {"model": "x"}, {"n": 3}, {"temperature": 1}, {"seed": 4}])
def test_s5_fields_that_the_flags_say_are_refused(body: dict[str, Any]) -> None:
    with pytest.raises(EvaluationError, match=f"--engine-arg {next(iter(body))}=: .*flags"):
        ask("http://127.0.0.1:9", [], body=body)


def test_key_reaches_a_proxy_only_where_it_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEER_KEY", "top-secret")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with running() as server, running() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        ask(server, small_set(tmp_path, count=1), api_key_env="SEER_KEY")
        assert (len(server.headers), proxy.headers) == (1, [])
        ask(server, small_set(tmp_path, count=1), api_key_env="SEER_KEY", proxy=True)
        assert (len(server.headers), len(proxy.headers)) == (1, 1)


@pytest.mark.parametrize("status", [403, 404, 302])
def test_a_server_that_refuses_everybody_ends_the_stage(tmp_path: Path, status: int) -> None:
    with running() as server:
        server.respond = lambda body: (status, {"error": "no"})
        with pytest.raises(EvaluationError, match=f"HTTP {status}.*--"):
            ask(server, small_set(tmp_path, count=3))


def test_served_model_is_the_first_one_that_chats() -> None:
    with running() as server:
        server.listing = (200, [{"id": "text-embedding-3"}, {"id": "seer:latest"}])
        assert served_model(ServerSettings(server.url)) == "seer:latest"
        assert served_model(ServerSettings(server.url, "seer")) == "seer"
        with pytest.raises(EvaluationError, match="--served-model is one of text-embedding-3, seer:latest"):
            served_model(ServerSettings(server.url, "se"))
