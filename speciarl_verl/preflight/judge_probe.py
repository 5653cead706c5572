"""`speciarl doctor --judge-url`: does the judge's server answer, and does it hold its model to the menu?

A good model keeps to a menu that it is told, so that a server which ignores the constraint looks well until an odd
answer comes. Here the model is asked something whose answer is not on the menu, and not told of the menu.
"""

import asyncio
import time
from functools import partial

from speciarl_verl.judge.build import check_judge
from speciarl_verl.judge.judge_config import Output, ServerJudgeConfig
from speciarl_verl.judge.llm.question import Form
from speciarl_verl.judge.llm.reply import read_reply
from speciarl_verl.judge.llm.rubric import Rubric
from speciarl_verl.judge.protocol import Pair
from speciarl_verl.method.category import Category
from speciarl_verl.preflight.examination import Finding
from speciarl_verl.server_client.discovery import Dialect, find_service
from speciarl_verl.server_client.transport import Patience, Transport

TIMEOUT_S = 5.0
_OFF_MENU = Form(
    Rubric(
        "off the menu",
        1,
        "You are a helpful assistant.",
        {"zebra": Category.WRONG, "walrus": Category.SPECIFIC},
        user="What is the capital of France? Answer with its name alone.",
    ),
    Output.LABEL,
)


def look_at_judge(url: str) -> Finding:
    """Have the server judge a pair, and answer what its constraint forbids."""
    config = ServerJudgeConfig(url=url, cache="memory", timeout_s=TIMEOUT_S, budget_s=TIMEOUT_S)
    return asyncio.run(_look(config))


async def _look(config: ServerJudgeConfig) -> Finding:
    endpoint = config.endpoint()
    service = await find_service(endpoint, None, TIMEOUT_S)
    told = f"judge {endpoint.api}: {service.dialect.value}, model {service.model}"
    started = time.perf_counter()
    await check_judge(config)
    told += f", a pair in {time.perf_counter() - started:.2f} s"
    transport = Transport(endpoint, 1)
    try:
        patience = Patience(TIMEOUT_S, TIMEOUT_S, retry_s=0.0)
        read = partial(read_reply, menu=_OFF_MENU.menu)
        reply = await transport.chat(_OFF_MENU.body(Pair("-", "-"), service), read, patience)
    finally:
        await transport.close()
    if _OFF_MENU.menu.category(reply.text) is not None:
        return Finding(True, f"{told}, constrains")
    if service.dialect is Dialect.OTHER:
        return Finding(
            True, f"{told}, does not constrain (SGLang and vLLM do): an answer off the menu twice ends a run"
        )
    return Finding(
        False,
        f"{told}: answered {reply.text[:40]!r} where the constraint forbids it: start it with a grammar backend "
        "(SGLang: --grammar-backend xgrammar; vLLM: structured outputs), or take out the proxy that drops its fields",
    )
