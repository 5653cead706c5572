"""A judge of somebody's own that answers its check and fails on the first real pair."""

from collections.abc import Mapping
from typing import Any

from speciarl_verl import Judge, Pair, Verdict


class Ignorant:
    async def judge(self, pair: Pair) -> Verdict:
        raise LookupError("nobody knows")

    async def check(self) -> None: ...

    async def close(self) -> None: ...


def make(options: Mapping[str, Any]) -> Judge:
    return Ignorant()
