"""The user's own judge, made by a function that the configuration names, and held to what a judge promises.

Config keys: `speciarl.judge.factory`, a `package.module:function` that makes a `Judge` of `speciarl.judge.options`.
"""

import inspect
import sys
from typing import Any

from speciarl_verl.errors import ConfigError, JudgeError
from speciarl_verl.judge.judge_config import CustomJudgeConfig
from speciarl_verl.judge.protocol import Judge, Pair, Source, Verdict
from speciarl_verl.method.category import Category
from speciarl_verl.named_function import named_function, require_arguments

_KEY = "speciarl.judge.factory"


def source_text(config: CustomJudgeConfig) -> str:
    """The source of the factory's module, by which a judge that was edited is known; empty where there is none.

    Raises:
        ConfigError: the factory cannot be imported.
    """
    named_function(config.factory, _KEY)
    try:
        return inspect.getsource(sys.modules[config.factory.partition(":")[0]])
    except (OSError, TypeError):
        return ""


class CustomJudge:
    """Another judge, whatever it raises or returns turned into a verdict or a `JudgeError`."""

    def __init__(self, config: CustomJudgeConfig) -> None:
        """Make the judge.

        Raises:
            JudgeError: the factory cannot be imported, takes something else, fails, or makes no judge.
        """
        self._place = f"{_KEY}={config.factory}"
        try:
            factory = named_function(config.factory, _KEY, "options")
            self._judge: Judge = factory(dict(config.options))
            for name, arguments in (("judge", ("pair",)), ("check", ()), ("close", ())):
                method = getattr(self._judge, name, None)
                if not callable(method):
                    raise JudgeError(f"{self._place}: made a {type(self._judge).__name__}, which has no method {name}")
                require_arguments(method, f"{self._place}: {name}", *arguments)
        except JudgeError:
            raise
        except ConfigError as error:
            raise JudgeError(str(error)) from error
        except Exception as error:  # whatever the user's factory does
            raise JudgeError(f"{self._place}: failed with {type(error).__name__}: {error}") from error

    async def judge(self, pair: Pair) -> Verdict:
        """See `Judge.judge`."""
        verdict = await self._answer("judge", self._judge.judge, pair)
        if not isinstance(verdict, Verdict):
            raise JudgeError(f"{self._place}: gave {verdict!r} for {pair}, which is no Verdict")
        if not isinstance(verdict.category, Category) or not isinstance(verdict.source, Source):
            raise JudgeError(f"{self._place}: gave {verdict!r} for {pair}, which needs a Category and a Source")
        return verdict

    async def check(self) -> None:
        """See `Judge.check`."""
        await self._answer("check", self._judge.check)

    async def close(self) -> None:
        """See `Judge.close`."""
        await self._answer("close", self._judge.close)

    async def _answer(self, name: str, method: Any, *arguments: object) -> Any:
        try:
            answer = method(*arguments)
            if not inspect.isawaitable(answer):
                raise JudgeError(f"{self._place}: {name} must be `async def`")
            return await answer
        except JudgeError:
            raise
        except Exception as error:  # whatever the user's judge does
            told = f" on {arguments[0]}" if arguments else ""
            raise JudgeError(f"{self._place}: {name} failed with {type(error).__name__}: {error}{told}") from error
