"""Thinking of the policy's own that led to the truth, for supervised fine-tuning: rejection sampling by the judge.

Of a judged run with several samples a picture, the first response of each picture whose answer is as specific as the
truth (S or S+) gives its text up to the answer.
"""

import re
from pathlib import Path

from speciarl_verl.errors import InputError
from speciarl_verl.evaluation.store import VERDICTS, verdicts_journal
from speciarl_verl.method.category import Category

_THINKING = re.compile(r"<think>.*?</think>\s*", re.DOTALL)


def accepted_thinking(folder: Path) -> dict[tuple[str, str], str]:
    """From (data set, picture) to `<think>...</think>`, white space after it included.

    Raises:
        InputError: the folder holds no judged run.
        EvaluationError: a line of it is not one of ours.
    """
    if not (folder / VERDICTS).is_file():
        raise InputError(f"{folder}: no judged run there: make it with `speciarl evaluate --out {folder}`")
    accepted: dict[tuple[str, str], str] = {}
    for judged in sorted(verdicts_journal(folder).load(repair=False), key=lambda one: one.prediction.key):
        key, thinking = judged.prediction.key, _THINKING.search(judged.prediction.response or "")
        if thinking and judged.outcome in (Category.SPECIFIC, Category.MORE_SPECIFIC):
            accepted.setdefault(key.picture, thinking[0])
    return accepted
