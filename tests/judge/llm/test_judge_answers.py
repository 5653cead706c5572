"""The server judge beyond one question: votes, letters, answers kept for later, a cache that fails, the account."""

import json

import pytest

from speciarl_verl.errors import CacheError, JudgeError
from speciarl_verl.judge.build import build_judge
from speciarl_verl.judge.judge_config import ServerJudgeConfig
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.judge.protocol import Pair, Source, Verdict
from speciarl_verl.method.category import Category
from tests.judge.fake_server import FakeServer

PAIR = Pair("robin", "House Sparrow")


async def judged(fake, *pairs: Pair, ledger: Ledger | None = None, **settings) -> list[Verdict]:
    """One after the other, by a judge of their own."""
    config = ServerJudgeConfig(**{"url": fake.url, "timeout_s": 5, "budget_s": 5, "cache": "memory", **settings})
    judge = build_judge(config, ledger)
    try:
        return [await judge.judge(pair) for pair in pairs]
    finally:
        await judge.close()


async def test_vote_of_calls_goes_with_the_majority_and_reports_agreement(fake):
    fake.script.extend(map(FakeServer.says, ["generic", "wrong", "generic"]))
    ledger = Ledger()
    (verdict,) = await judged(fake, PAIR, ledger=ledger, votes={"calls": 3, "temperature": 0.5})
    assert (verdict.category, verdict.source) == (Category.GENERIC, Source.SERVER)
    assert verdict.agreement == pytest.approx(2 / 3)
    assert sorted(request.body["seed"] for request in fake.chats) == [0, 1, 2]
    assert {request.body["temperature"] for request in fake.chats} == {0.5}
    account = ledger.account()
    assert (account.asked, account.sent, account.votes) == (1, 3, 1)
    assert account.figures()["agreement"] == pytest.approx(2 / 3)


async def test_vote_of_rubrics_ties_to_the_lower_category(fake):
    fake.script.extend(map(FakeServer.says, ["specific", "less specific"]))
    (verdict,) = await judged(fake, PAIR, votes={"prompts": ["strict", "decision-list"]})
    assert (verdict.category, verdict.agreement) == (Category.LESS_SPECIFIC, 0.5)
    assert len({request.body["messages"][0]["content"] for request in fake.chats}) == 2


async def test_vote_that_loses_a_call_is_no_verdict(fake):
    fake.script.extend([FakeServer.says("generic"), FakeServer.reply(400), FakeServer.says("generic")])
    with pytest.raises(JudgeError, match="HTTP 400"):
        await judged(fake, PAIR, votes={"calls": 3})


async def test_vote_is_remembered_call_by_call(fake, tmp_path):
    settings = {"cache": str(tmp_path / "c.sqlite"), "votes": {"calls": 3}}
    fake.script.extend(map(FakeServer.says, ["generic", "wrong", "generic"]))
    first = await judged(fake, PAIR, **settings)
    second = await judged(fake, PAIR, **settings)
    assert [(verdict.category, verdict.agreement) for verdict in second] == [
        (verdict.category, verdict.agreement) for verdict in first
    ]
    assert second[0].source is Source.CACHE
    assert len(fake.chats) == 3


async def test_letter_is_its_category_with_a_confidence(fake):
    content = [{"token": "C", "logprob": -0.1, "top_logprobs": [{"token": "A", "logprob": -2.0}]}]
    choice = {"message": {"content": "C"}, "logprobs": {"content": content}}
    fake.script.append(FakeServer.reply(200, json.dumps({"choices": [choice]}).encode()))
    (verdict,) = await judged(fake, PAIR, output="letter")
    assert verdict.category is Category.GENERIC
    assert verdict.confidence == pytest.approx(0.8699, abs=1e-4)
    (request,) = fake.chats
    assert (request.body["max_tokens"], request.body["regex"]) == (1, "(A|B|C|D|E|F)")


async def test_binary_rubric_offers_correct_and_wrong(fake):
    fake.answer = "correct"
    (verdict,) = await judged(fake, PAIR, prompt="binary")
    assert verdict.category is Category.SPECIFIC
    assert fake.chats[0].body["regex"] == "(wrong|correct)"


async def test_answers_outlive_the_judge_and_what_changes_the_question_does_not_read_them(fake, tmp_path):
    path = tmp_path / "verdicts.sqlite"
    rubric = tmp_path / "mine.txt"
    rubric.write_text("Grade it. Version one.")
    settings = {"cache": str(path), "prompt": str(rubric)}
    await judged(fake, PAIR, **settings)
    assert (await judged(fake, PAIR, **settings))[0].source is Source.CACHE
    rubric.write_text("Grade it. Version two.")
    assert (await judged(fake, PAIR, **settings))[0].source is Source.SERVER
    assert (await judged(fake, PAIR, **settings, model="another"))[0].source is Source.SERVER
    assert len(fake.chats) == 3


async def test_cache_that_fails_in_mid_run_is_counted_and_gone_without(fake, tmp_path, monkeypatch, caplog):
    from speciarl_verl.judge.cache.sqlite import SQLiteCache

    async def broken(*_arguments):
        raise CacheError("verdict cache here: disk full")

    monkeypatch.setattr(SQLiteCache, "get", broken)
    monkeypatch.setattr(SQLiteCache, "put", broken)
    ledger = Ledger()
    verdicts = await judged(fake, PAIR, PAIR, ledger=ledger)
    assert [verdict.source for verdict in verdicts] == [Source.SERVER, Source.SERVER]
    assert ledger.account().cache_errors == 4
    assert caplog.text.count("disk full; the judge goes on without it") == 1


async def test_cache_that_cannot_be_had_ends_the_check_with_the_place_and_the_cure(fake, tmp_path):
    (tmp_path / "file").write_text("")
    config = ServerJudgeConfig(url=fake.url, cache=str(tmp_path / "file" / "verdicts.sqlite"))
    judge = build_judge(config)
    with pytest.raises(JudgeError, match=r"verdicts\.sqlite.*speciarl\.judge\.cache"):
        await judge.check()


async def test_account_tells_where_each_verdict_came_from_and_what_it_cost(fake):
    usage = {"prompt_tokens": 700, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 640}}
    body = {"choices": [{"message": {"content": "generic"}}], "usage": usage}
    fake.script.extend([FakeServer.reply(503), FakeServer.reply(200, json.dumps(body).encode())])
    ledger = Ledger()
    await judged(fake, PAIR, PAIR, Pair("house-sparrow", "House Sparrow"), ledger=ledger)
    account = ledger.account()
    assert account.decided == {Source.SERVER: 1, Source.CACHE: 1, Source.FAST_PATH: 1}
    assert (account.sent, account.retries, account.failed) == (1, 1, 0)
    assert (account.prompt_tokens, account.cached_prompt_tokens, account.completion_tokens) == (700, 640, 2)
    assert 0 < account.latency_s(0.5) < 5
