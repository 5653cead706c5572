"""A judge's server that keeps to the constraint, one that does not, and one that knows none. In a thread of its own:
the look starts an event loop."""

import asyncio

import pytest

from speciarl_verl.preflight.examination import Examination, Finding, examine
from speciarl_verl.preflight.judge_probe import look_at_judge
from tests.judge.fake_server import FakeServer, models


async def look(server: FakeServer) -> Finding:
    return await asyncio.to_thread(lambda: examine(Examination("judge", lambda: look_at_judge(server.url))))


async def test_a_server_that_constrains_is_well(fake: FakeServer) -> None:
    fake.script.extend([fake.says("wrong"), fake.says("zebra")])
    finding = await look(fake)
    assert finding.ok, finding.text
    assert "sglang, model judge-model, a pair in" in finding.text
    assert finding.text.endswith("constrains")
    asked = fake.chats[-1].body
    assert asked["regex"] == "(zebra|walrus)"
    assert "zebra" not in str(asked["messages"]), "a model that is told of the menu proves nothing"


async def test_a_server_that_drops_the_constraint_is_found(fake: FakeServer) -> None:
    fake.script.extend([fake.says("wrong"), fake.says("Paris")])
    finding = await look(fake)
    assert not finding.ok
    assert "answered 'Paris' where the constraint forbids it" in finding.text


async def test_a_server_without_constraints_is_told_of(fake: FakeServer) -> None:
    fake.pages["/v1/models"] = models("somebody")
    fake.script.extend([fake.says("wrong"), fake.says("Paris")])
    finding = await look(fake)
    assert finding.ok
    assert "does not constrain (SGLang and vLLM do)" in finding.text


async def test_a_judge_that_answers_off_the_menu_is_no_judge(fake: FakeServer) -> None:
    fake.answer = "well"
    finding = await look(fake)
    assert not finding.ok
    assert "the judge does not answer as it must" in finding.text


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "no url"])
def test_no_server_is_one_line(url: str) -> None:
    finding = examine(Examination("judge", lambda: look_at_judge(url)))
    assert not finding.ok
    assert "\n" not in finding.text
