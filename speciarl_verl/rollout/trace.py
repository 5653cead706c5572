"""What a rollout tells beside its outcome: its words, and when it was generated and judged. No verl.

It travels with the rollout to the trainer, where `plugin/replay_buffer.py` writes it out. The words are kept of a few
pictures a step, the same ones whenever they come again, so that a report can show a picture early and late.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from speciarl_verl.draw import rank

TRACE_KEY = "speciarl_trace"
"""In verl's `extra_fields` of a rollout."""
TEXT_CHARACTERS = 4000
"""Of a response; what is longer is cut at its end. Its answer stands in the row by itself."""

TEXT, GENERATED_AT, VERDICT_S = "text", "generated_at", "verdict_s"


def trace(text: str, generated_at: float, verdict_s: float) -> dict[str, str | float]:
    """The trace of one rollout.

    Args:
        generated_at: when its last token came, in seconds since the epoch.
        verdict_s: seconds from there to its verdict.
    """
    return {TEXT: text[:TEXT_CHARACTERS], GENERATED_AT: generated_at, VERDICT_S: round(verdict_s, 4)}


def judge_wait_s(rows: Sequence[Mapping[str, Any]]) -> float | None:
    """Seconds for which a step waited for verdicts alone: from its last response to its last verdict.

    None where a row does not tell, as under verl's own agent loop.
    """
    if any(GENERATED_AT not in row for row in rows):
        return None
    generated = max(row[GENERATED_AT] for row in rows)
    # Clocks of several machines differ a little.
    return float(max(0.0, max(row[GENERATED_AT] + row[VERDICT_S] for row in rows) - generated))


def written(rows: Sequence[Mapping[str, Any]], texts: int, seed: int) -> list[dict[str, Any]]:
    """The rows of a step as they are written: sorted by group and rollout, with the words of few pictures.

    Args:
        texts: of how many pictures, those that stand first in the draw of `seed`.
    """
    pictures = {picture_of(row) for row in rows}
    chosen = set(sorted(pictures, key=lambda picture: rank(seed, "rollout text", picture))[:texts])
    dropped = {GENERATED_AT}, {GENERATED_AT, TEXT}
    return [
        {key: value for key, value in row.items() if key not in dropped[picture_of(row) not in chosen]}
        for row in sorted(rows, key=lambda row: (row["uid"], row["session_id"]))
    ]


def picture_of(row: Mapping[str, Any]) -> str:
    """The name of a row's picture, the same in every step."""
    return f"{row.get('data_source')}/{row.get('index')}"
