"""The client against SGLang and vLLM as they are: a model of random weights, so only the constraint makes verdicts."""

import asyncio
import contextlib
import random
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.build import build_judge
from speciarl_verl.judge.judge_config import ServerJudgeConfig
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.judge.llm import question
from speciarl_verl.judge.protocol import Judge, Pair, Source, Verdict
from speciarl_verl.method.category import Category
from tests.servers.serving import SGLANG, Serving

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]

LABELS = {category.label for category in Category}
IMAGES, ROLLOUTS = 256, 10

MakeJudge = Callable[..., tuple[Judge, Ledger]]


@pytest.fixture
async def make_judge(serving: Serving) -> AsyncIterator[MakeJudge]:
    """Make judges of the server, with what they count; keyword arguments go to their configuration."""
    made = []

    def make(**settings: Any) -> tuple[Judge, Ledger]:
        ledger = Ledger()
        config = ServerJudgeConfig(**{"url": serving.url, "cache": "memory", "budget_s": 300, **settings})
        made.append(build_judge(config, ledger))
        return made[-1], ledger

    yield make
    for judge in made:
        await judge.close()


def zipf_pairs(seed: int = 0) -> list[Pair]:
    """A training batch: 10 rollouts of each of 256 pictures, truths and predictions drawn with weights 1/rank."""
    rng = random.Random(seed)
    kinds = [f"{colour} {bird}" for bird in ("gull", "wren", "tern", "finch") for colour in _COLOURS]
    weights = [1 / rank for rank in range(1, len(kinds) + 1)]
    guesses = [f"{size} {kind}" for kind in kinds[:20] for size in ("small", "young", "common")]
    guess_weights = [1 / rank for rank in range(1, len(guesses) + 1)]
    truths = [truth for truth in rng.choices(kinds, weights, k=IMAGES) for _ in range(ROLLOUTS)]
    drawn = rng.choices(guesses, guess_weights, k=len(truths))
    return [Pair(guess, truth) for guess, truth in zip(drawn, truths, strict=True)]


_COLOURS = [f"{shade}-{tint}" for shade in ("red", "grey", "blue", "buff", "rosy") for tint in ("winged", "tailed")]


async def raw_answer(serving: Serving, **fields: object) -> str:
    """What the server says to a bare request."""
    async with httpx.AsyncClient(base_url=serving.url, timeout=60, trust_env=False) as client:
        (card,) = (await client.get("/v1/models")).json()["data"]
        message = {"role": "user", "content": "Answer with one of: wrong, generic, specific."}
        body = {"model": card["id"], "messages": [message], "temperature": 0, "max_tokens": 16, **fields}
        response = await client.post("/v1/chat/completions", json=body)
        assert response.status_code == 200
        return str(response.json()["choices"][0]["message"]["content"])


async def test_every_answer_is_a_label_under_the_constraint_only(serving: Serving, make_judge: MakeJudge) -> None:
    judge, ledger = make_judge()
    await judge.check()
    pairs = [Pair(f"kind {number}", "herring gull") for number in range(64)]
    verdicts = await asyncio.gather(*map(judge.judge, pairs))
    assert all(isinstance(verdict.category, Category) and verdict.source is Source.SERVER for verdict in verdicts)
    assert ledger.off_menu == 0
    assert ledger.sent == 64 + 1, "one request a pair and one for the check: no answer was asked for again"
    assert (await raw_answer(serving)).strip() not in LABELS


async def test_verdict_belongs_to_its_pair_whoever_else_is_asking(make_judge: MakeJudge) -> None:
    pairs = list(dict.fromkeys(zipf_pairs()))[:128]
    crowded, _ = make_judge()
    verdicts = await asyncio.gather(*map(crowded.judge, pairs))
    assert len({verdict.category for verdict in verdicts}) > 1
    alone, _ = make_judge(max_concurrency=1)
    again = [await alone.judge(pair) for pair in pairs]
    assert [verdict.category for verdict in again] == [verdict.category for verdict in verdicts]


async def test_server_gets_the_constraint_in_its_own_words(serving: Serving) -> None:
    choices = {"structured_outputs": {"choice": ["wrong", "generic"]}}
    regex = {"regex": "(wrong|generic)"}
    ours, foreign = (regex, choices) if serving.engine is SGLANG else (choices, regex)
    assert await raw_answer(serving, **ours) in ("wrong", "generic")
    assert await raw_answer(serving, **foreign) not in ("wrong", "generic"), "ignored without a word"


async def test_unconstrained_server_is_an_error_and_no_verdict(
    make_judge: MakeJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(question, "dialect_fields", lambda *_: {})
    judge, ledger = make_judge()
    with pytest.raises(JudgeError, match="did not keep to the constraint"):
        await judge.judge(Pair("gull", "herring gull"))
    assert (ledger.off_menu, ledger.failed) == (2, 1)


async def test_letters_come_with_a_confidence(make_judge: MakeJudge) -> None:
    judge, ledger = make_judge(output="letter")
    pairs = [Pair(f"kind {number}", "herring gull") for number in range(64)]
    verdicts = await asyncio.gather(*map(judge.judge, pairs))
    # At temperature 0 the answer is the likeliest of six.
    assert all(verdict.confidence is not None and 1 / 6 <= verdict.confidence <= 1 for verdict in verdicts)
    assert len({verdict.confidence for verdict in verdicts}) > 1
    assert ledger.completion_tokens == len(pairs), "one decoding step each"


async def test_rubric_comes_out_of_the_prefix_cache(serving: Serving, make_judge: MakeJudge) -> None:
    judge, ledger = make_judge()
    await judge.judge(Pair("gull", "herring gull"))
    before, hits_before = ledger.account(), serving.metric(serving.engine.hits)
    await asyncio.gather(*(judge.judge(Pair(f"kind {number}", "herring gull")) for number in range(32)))
    cached = ledger.cached_prompt_tokens - before.cached_prompt_tokens
    assert cached > 0.8 * (ledger.prompt_tokens - before.prompt_tokens)
    assert serving.metric(serving.engine.hits) - hits_before == cached


@pytest.mark.drill
async def test_nothing_is_lost_or_paid_twice_when_the_server_dies(
    serving: Serving, make_judge: MakeJudge, tmp_path: Path
) -> None:
    pairs = zipf_pairs()
    distinct = set(pairs)
    cache = tmp_path / "verdicts.sqlite"
    judge, ledger = make_judge(cache=str(cache), max_concurrency=64)
    midway = asyncio.Event()

    async def ask(pair: Pair) -> Verdict:
        verdict = await judge.judge(pair)
        if ledger.decided[Source.SERVER] >= len(distinct) // 3:
            midway.set()
        return verdict

    asked = asyncio.gather(*map(ask, pairs))
    either: list[asyncio.Future[Any]] = [asked, asyncio.ensure_future(midway.wait())]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    serving.kill()
    assert not asked.done(), "it was killed too late, or the judge failed before"
    await asyncio.to_thread(serving.start)
    verdicts = await asked

    assert ledger.account().asked == len(verdicts) == IMAGES * ROLLOUTS
    assert ledger.retries > 0
    assert (ledger.failed, ledger.off_menu, ledger.cache_errors) == (0, 0, 0)
    assert ledger.decided[Source.SERVER] == ledger.sent == _rows(cache) == len(distinct)
    by_pair: dict[Pair, set[Category]] = {}
    for pair, verdict in zip(pairs, verdicts, strict=True):
        by_pair.setdefault(pair, set()).add(verdict.category)
    assert all(len(categories) == 1 for categories in by_pair.values())

    await _assert_second_run_is_free(serving, make_judge, pairs, verdicts, cache)


async def _assert_second_run_is_free(
    serving: Serving, make_judge: MakeJudge, pairs: list[Pair], verdicts: list[Verdict], cache: Path
) -> None:
    requests = serving.metric(serving.engine.requests)
    resumed, ledger = make_judge(cache=str(cache))
    again = await asyncio.gather(*map(resumed.judge, pairs))
    assert [verdict.category for verdict in again] == [verdict.category for verdict in verdicts]
    assert ledger.sent == 0
    assert serving.metric(serving.engine.requests) == requests
    assert {verdict.source for verdict in again} <= {Source.CACHE, Source.COALESCED}


def _rows(cache: Path) -> int:
    with contextlib.closing(sqlite3.connect(cache)) as connection:
        return int(connection.execute("SELECT count(*) FROM answers").fetchone()[0])
