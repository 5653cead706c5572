import asyncio
import json

import pytest

from speciarl_verl.errors import EvaluationError, JudgeError
from speciarl_verl.evaluation.conti.inclusion import inclusion_config, inclusion_judge, judge_inclusions
from speciarl_verl.evaluation.conti.scores import score_conti
from speciarl_verl.judge.judge_config import Output
from speciarl_verl.judge.protocol import Pair, Source, Verdict
from speciarl_verl.judge.taxonomy import TaxonomyJudge
from speciarl_verl.method.category import Category
from tests.evaluation.conti.test_scores import judged
from tests.judge.fake_server import FakeServer, models


class Answers:
    """Says yes where the prediction is listed; fails where it is `broken`."""

    def __init__(self, included=()):
        self.included = included
        self.cancelled, self.closed = 0, 0

    async def judge(self, pair):
        if pair.prediction == "broken":
            raise JudgeError("judge server http://x: gone")
        try:
            await asyncio.sleep(3600 if pair.prediction == "slow" else 0)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return Verdict(Category.SPECIFIC if pair.prediction in self.included else Category.WRONG, Source.SERVER)

    async def close(self):
        self.closed += 1


def pairs(*predictions):
    return [Pair(prediction=prediction, ground_truth="robin") for prediction in predictions]


async def test_judge_inclusions_answers_in_order_and_closes():
    answers = Answers({"b", "d"})
    assert await judge_inclusions(answers, pairs("a", "b", "c", "d")) == [False, True, False, True]
    assert answers.closed == 1


async def test_judge_inclusions_of_nothing_closes():
    answers = Answers()
    assert await judge_inclusions(answers, []) == []
    assert answers.closed == 1


async def test_judge_inclusions_one_error_gives_the_others_up_and_closes():
    answers = Answers()
    with pytest.raises(JudgeError, match="gone"):
        await judge_inclusions(answers, pairs("slow", "broken", "slow"))
    assert answers.closed == 1
    assert answers.cancelled >= 1


async def test_judge_inclusions_is_yes_for_the_same_thing_only():
    asked = [Pair(prediction, "Blue Jay") for prediction in ("blue jays", "Blue Jay", "bird", "none")]
    assert await judge_inclusions(TaxonomyJudge.shipped("cub"), asked) == [False, True, False, False]


@pytest.fixture
async def server():
    """A server that calls itself SGLang."""
    fake = FakeServer(pages={"/v1/models": models("sglang")})
    listener = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    yield fake
    listener.close()


def asking(server, **settings):
    config = inclusion_config(server.url, None)
    return inclusion_judge(config.model_copy(update={"cache": "memory", "timeout_s": 5, "budget_s": 5, **settings}))


@pytest.mark.parametrize(("output", "no", "yes"), [(Output.LABEL, "no", "yes"), (Output.LETTER, "A", "B")])
async def test_inclusion_judge_asks_a_server_yes_or_no(server, output, no, yes):
    server.script.extend([server.says(yes), server.says(no)])
    judge = asking(server, output=output, max_concurrency=1)
    asked = [Pair("a robin on a branch", "European robin"), Pair("a sparrow", "European robin")]
    assert await judge_inclusions(judge, asked) == [True, False]
    assert [chat.body["regex"] for chat in server.chats] == [f"({no}|{yes})"] * 2
    assert json.loads(server.chats[0].body["messages"][1]["content"])["prediction"] == "a robin on a branch"


async def test_inclusion_judge_of_an_answer_that_is_neither_is_an_error(server):
    server.script.extend([server.says("maybe"), server.says("specific")])
    with pytest.raises(JudgeError, match="none of no, yes"):
        await judge_inclusions(asking(server), [Pair("bird", "robin")])


@pytest.mark.parametrize(
    ("reply", "flag"),
    [(FakeServer.reply(404), "--inclusion-url .*--inclusion-model"), (FakeServer.reply(302), "--inclusion-url")],
)
async def test_inclusion_judge_names_the_flags_of_the_evaluation(server, reply, flag):
    server.script.append(reply)
    with pytest.raises(JudgeError, match=f"inclusion server {server.url}.*{flag}"):
        await judge_inclusions(asking(server), [Pair("bird", "robin")])


@pytest.mark.parametrize("url", ["host:1", "http://me:secret@h", "http://h?key=secret"])
def test_inclusion_config_of_an_address_that_cannot_be_used_names_the_flag(url):
    with pytest.raises(EvaluationError, match="--inclusion-url: it must") as error:
        inclusion_config(url, None)
    assert "secret" not in str(error.value)


async def test_score_conti_with_a_server_asks_only_where_somebody_has_to_think(server):
    server.answer = "yes"
    samples = [judged("blue jay"), judged("none"), judged("a jay"), judged("a jay"), judged("Cyanocitta cristata")]
    models = {"encoder": None, "chunker": None, "inclusion": asking(server)}
    scores = (await asyncio.to_thread(score_conti, samples, **models))["cub"]
    assert scores.llama_inclusion == pytest.approx(4 / 5)
    asked = {json.loads(chat.body["messages"][1]["content"])["prediction"] for chat in server.chats}
    assert (len(server.chats), asked) == (2, {"a jay", "Cyanocitta cristata"})
