"""The server judge when its server fails: asked again within its budget, or an error with pair, reason and cure."""

import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.protocol import Pair
from speciarl_verl.method.category import Category

PAIR = Pair("Golden-winged Warbler", "Golden winged Warbler")


AT_ONCE_S = 60
"""Less than what would be waited otherwise, and more than any machine takes for what waits for nothing."""


TRANSIENT = [
    pytest.param(lambda fake: fake.reset, id="reset in the body"),
    pytest.param(lambda fake: fake.reply(408), id="408"),
    pytest.param(lambda fake: fake.reply(429), id="429"),
    pytest.param(lambda fake: fake.reply(429, Retry_After="0"), id="429 retry-after"),
    pytest.param(lambda fake: fake.reply(429, Retry_After="soon"), id="429 retry-after nonsense"),
    pytest.param(lambda fake: fake.reply(500, b"boom"), id="500"),
    pytest.param(lambda fake: fake.reply(503), id="503"),
    pytest.param(lambda fake: fake.reply(200), id="empty body"),
    pytest.param(lambda fake: fake.reply(200, b"<html>"), id="not JSON"),
    pytest.param(lambda fake: fake.reply(200, b"\xff\xfe{"), id="not text"),
    pytest.param(lambda fake: fake.reply(200, b'{"choices": []}'), id="no choices"),
    pytest.param(lambda fake: fake.reply(200, b"[]"), id="not an object"),
    pytest.param(lambda fake: fake.reply(200, b'{"error": {"message": "overloaded"}}'), id="200 with an error"),
    pytest.param(lambda fake: fake.says(None), id="no text"),
]


@pytest.mark.parametrize("fault", TRANSIENT)
async def test_judge_transient_fault_is_asked_again(fake, make_judge, fault):
    fake.script.extend([fault(fake)] * 3)
    assert (await make_judge().judge(PAIR)).category is Category.SPECIFIC
    assert len(fake.chats) == 4


@pytest.mark.parametrize("fault", TRANSIENT[::3])
async def test_judge_lasting_fault_ends_within_the_budget(fake, make_judge, fault):
    fake.script.extend([fault(fake)] * 1000)
    start = time.monotonic()
    with pytest.raises(JudgeError, match=r"attempt \d+, ") as error:
        await make_judge(budget_s=0.5).judge(PAIR)
    assert time.monotonic() - start < AT_ONCE_S
    assert fake.url in str(error.value)


@pytest.mark.parametrize("stall", ["hang", "drip"])
async def test_judge_stalled_answer_is_given_up_and_asked_again(fake, make_judge, stall):
    fake.script.append(getattr(fake, stall))
    assert (await make_judge(timeout_s=1, budget_s=60).judge(PAIR)).category is Category.SPECIFIC
    assert len(fake.chats) >= 2


async def test_judge_budget_cuts_the_last_attempt_short(fake, make_judge):
    fake.script.extend([fake.hang] * 5)
    start = time.monotonic()
    with pytest.raises(JudgeError, match="no answer within"):
        await make_judge(timeout_s=600, budget_s=0.4).judge(PAIR)
    assert time.monotonic() - start < AT_ONCE_S


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 307])
async def test_judge_refusing_status_is_asked_once_only(fake, make_judge, status):
    fake.script.append(fake.reply(status, b"no such thing"))
    with pytest.raises(JudgeError, match=f"HTTP {status}.*no such thing"):
        await make_judge().judge(PAIR)
    assert len(fake.chats) == 1


async def test_judge_retry_after_seconds_is_waited_for(fake, make_judge):
    fake.script.append(fake.reply(429, Retry_After="1"))
    start = time.monotonic()
    await make_judge(timeout_s=60, budget_s=60).judge(PAIR)
    assert time.monotonic() - start >= 1.0


async def test_judge_retry_after_date_is_waited_for(fake, make_judge):
    moment = datetime.now(timezone.utc) + timedelta(seconds=2)
    fake.script.append(fake.reply(503, Retry_After=format_datetime(moment, usegmt=True)))
    start = time.monotonic()
    await make_judge(timeout_s=60, budget_s=60).judge(PAIR)
    # An HTTP date has whole seconds; and it was made before the request was.
    assert time.monotonic() - start >= 0.9


async def test_judge_retry_after_beyond_the_budget_ends_at_once(fake, make_judge):
    fake.script.append(fake.reply(429, Retry_After="3600"))
    start = time.monotonic()
    with pytest.raises(JudgeError, match="429"):
        await make_judge(timeout_s=60, budget_s=600).judge(PAIR)
    assert time.monotonic() - start < AT_ONCE_S
    assert len(fake.chats) == 1


async def test_check_refused_connection_fails_in_seconds_with_url_and_cure(make_judge, unused_tcp_port):
    judge = make_judge(url=f"http://127.0.0.1:{unused_tcp_port}", timeout_s=300, budget_s=600)
    start = time.monotonic()
    with pytest.raises(JudgeError, match=rf"127\.0\.0\.1:{unused_tcp_port}.*started"):
        await judge.check()
    assert time.monotonic() - start < AT_ONCE_S


async def test_judge_server_that_comes_back_is_used_again(fake, make_judge):
    judge = make_judge(budget_s=0.2)
    fake.script.extend([fake.reply(503)] * 1000)
    with pytest.raises(JudgeError):
        await judge.judge(PAIR)
    fake.script.clear()
    assert (await judge.judge(PAIR)).category is Category.SPECIFIC


FILTERED = b'{"error": {"code": "content_filter", "message": "The response was filtered"}}'


NO_TEXT = b'{"choices": [{"message": {"content": null}, "finish_reason": "%s"}]}'


EMPTY = b'{"choices": [{"message": {"content": ""}, "finish_reason": "%s"}]}'


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(400, FILTERED, id="400"),
        pytest.param(200, NO_TEXT % b"content_filter", id="null content"),
        pytest.param(200, EMPTY % b"content_filter", id="empty content"),
    ],
)
async def test_s3_filtered_pair_is_named_with_the_reason_and_asked_once(fake, make_judge, status, body):
    fake.script.extend([fake.reply(status, body)] * 100)
    with pytest.raises(JudgeError, match=r"content_filter.*Pair\(prediction='great tit', ground_truth='Parus major'"):
        await make_judge().judge(Pair("great tit", "Parus major"))
    assert len(fake.chats) == 1


async def test_s3_answer_without_text_names_the_pair_and_the_reason_in_the_end(fake, make_judge):
    fake.script.extend([fake.reply(200, NO_TEXT % b"length")] * 1000)
    with pytest.raises(JudgeError, match=r"finish_reason length.*Pair\(prediction='great tit'"):
        await make_judge(budget_s=0.3).judge(Pair("great tit", "Parus major"))


@pytest.mark.parametrize("status", [401, 404, 302])
async def test_judge_refusal_of_everybody_names_no_pair(fake, make_judge, status):
    fake.script.append(fake.reply(status))
    with pytest.raises(JudgeError) as error:
        await make_judge().judge(PAIR)
    assert "Pair(" not in str(error.value)


async def test_judge_server_in_the_midst_of_ending_is_asked_again(fake, make_judge):
    fake.script.append(fake.reply(200, EMPTY % b"abort"))
    assert (await make_judge().judge(PAIR)).category is Category.SPECIFIC


async def test_judge_server_that_is_not_there_names_no_pair(make_judge, unused_tcp_port):
    with pytest.raises(JudgeError, match="cannot connect") as error:
        await make_judge(url=f"http://127.0.0.1:{unused_tcp_port}", model="m", budget_s=0.3).judge(PAIR)
    assert "Pair(" not in str(error.value)
