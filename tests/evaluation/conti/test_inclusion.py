import asyncio
import json

import pytest

from speciarl_verl.errors import JudgeError
from speciarl_verl.evaluation.conti.absent import AbsentModelError
from speciarl_verl.evaluation.conti.inclusion import JudgedInclusion, judge_inclusions, load_inclusion
from speciarl_verl.evaluation.conti.scores import score_conti
from speciarl_verl.judge.judge_config import Output, ServerJudgeConfig, VotesConfig
from speciarl_verl.judge.protocol import Pair
from speciarl_verl.judge.taxonomy import TaxonomyJudge
from tests.evaluation.conti.test_scores import judged
from tests.judge.fake_server import FakeServer, models


class Answers:
    """Says yes where the prediction is listed, after a turn of the loop; fails where it is `broken`."""

    def __init__(self, included=()):
        self.included = included
        self.asked, self.cancelled, self.closed = [], 0, 0

    async def includes(self, prediction, ground_truth):
        self.asked.append((prediction, ground_truth))
        if prediction == "broken":
            raise JudgeError("judge server http://x: gone")
        try:
            await asyncio.sleep(3600 if prediction == "slow" else 0)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return prediction in self.included

    async def close(self):
        self.closed += 1


def pairs(*predictions):
    return [Pair(prediction=prediction, ground_truth="robin") for prediction in predictions]


async def test_judge_inclusions_answers_in_order_and_closes():
    answers = Answers({"b", "d"})
    assert await judge_inclusions(answers, pairs("a", "b", "c", "d")) == [False, True, False, True]
    assert (len(answers.asked), answers.closed) == (4, 1)


async def test_judge_inclusions_of_nothing_closes():
    answers = Answers()
    assert await judge_inclusions(answers, []) == []
    assert answers.closed == 1


async def test_judge_inclusions_one_error_gives_the_others_up_and_closes():
    answers = Answers()
    with pytest.raises(JudgeError, match="gone"):
        await judge_inclusions(answers, pairs("slow", "broken", "slow"))
    assert (answers.cancelled, answers.closed) == (2, 1)


async def test_judged_inclusion_is_yes_for_the_same_thing_only():
    inclusion = JudgedInclusion(TaxonomyJudge.shipped("cub"))
    asked = [
        await inclusion.includes(prediction, "Blue Jay") for prediction in ("blue jays", "Blue Jay", "bird", "none")
    ]
    await inclusion.close()
    assert asked == [False, True, False, False]


@pytest.fixture
async def server():
    """A server that calls itself SGLang."""
    fake = FakeServer(pages={"/v1/models": models("sglang")})
    listener = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    yield fake
    listener.close()


def asking(server, **settings):
    return load_inclusion(ServerJudgeConfig(url=server.url, cache="memory", timeout_s=5, budget_s=5, **settings))


@pytest.mark.parametrize(("output", "no", "yes"), [(Output.LABEL, "no", "yes"), (Output.LETTER, "A", "B")])
async def test_judged_inclusion_asks_a_server_yes_or_no(server, output, no, yes):
    inclusion = asking(server, output=output)
    server.script.extend([server.says(yes), server.says(no)])
    assert await inclusion.includes("a robin on a branch", "European robin") is True
    assert await inclusion.includes("a sparrow", "European robin") is False
    await inclusion.close()
    assert [chat.body["regex"] for chat in server.chats] == [f"({no}|{yes})"] * 2
    assert json.loads(server.chats[0].body["messages"][1]["content"])["prediction"] == "a robin on a branch"


async def test_judged_inclusion_of_an_answer_that_is_neither_is_an_error(server):
    server.script.extend([server.says("maybe"), server.says("specific")])
    inclusion = asking(server)
    with pytest.raises(JudgeError, match="none of no, yes"):
        await inclusion.includes("bird", "robin")
    await inclusion.close()


async def test_load_inclusion_asks_yes_or_no_whatever_the_judge_itself_is_asked(server):
    server.answer = "yes"
    inclusion = asking(server, prompt="strict", votes=VotesConfig(calls=3))
    assert await inclusion.includes("bird", "robin") is True
    await inclusion.close()
    assert [chat.body["regex"] for chat in server.chats] == ["(no|yes)"]


def test_load_inclusion_without_a_url_is_absent():
    with pytest.raises(AbsentModelError, match=r"llama inclusion: .*speciarl\.judge\.url"):
        load_inclusion(ServerJudgeConfig())


async def test_score_conti_with_a_server_asks_only_where_somebody_has_to_think(server):
    server.answer = "yes"
    samples = [judged("blue jay"), judged("none"), judged("a jay"), judged("a jay"), judged("Cyanocitta cristata")]
    models = {"encoder": None, "chunker": None, "inclusion": asking(server)}
    scores = (await asyncio.to_thread(score_conti, samples, **models))["cub"]
    assert scores.llama_inclusion == pytest.approx(4 / 5)
    asked = {json.loads(chat.body["messages"][1]["content"])["prediction"] for chat in server.chats}
    assert (len(server.chats), asked) == (2, {"a jay", "Cyanocitta cristata"})
