"""`judge.json`: which judge gave a run's verdicts, compared at every restart, and what that cost."""

import hashlib
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.run import load_model, save_model
from speciarl_verl.judge.custom import source_text
from speciarl_verl.judge.judge_config import CustomJudgeConfig, LLMJudgeConfig, ServerJudgeConfig, TaxonomyJudgeConfig
from speciarl_verl.judge.ledger import Account
from speciarl_verl.judge.llm.rubric import load_rubric
from speciarl_verl.judge.taxonomy import shipped_taxonomies
from speciarl_verl.method.answer import AnswerMode

JUDGE = "judge.json"
Config = TaxonomyJudgeConfig | ServerJudgeConfig | CustomJudgeConfig

# Where the judge is, how patiently it is asked and who looks over its shoulder changes no verdict.
_WITHOUT_EFFECT = {
    *("url", "timeout_s", "budget_s", "max_concurrency", "proxy"),
    *("api_key_env", "api_key_file", "cache", "cache_password_env", "fast_path_probe", "audit"),
}


class JudgeRun(BaseModel):
    """The judge of a run.

    Attributes:
        config: of the judge, less what changes no verdict.
        text_sha256: of its rubrics, its taxonomy, or the module of its factory.
        max_words: of an answer that is no malformed one, in the mode `strict`.
        answer_mode: how answers were extracted; see `AnswerConfig`.
        account: what the sessions that ended (well or with a message) asked; see `Account`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    config: dict[str, Any]
    text_sha256: str
    max_words: int
    answer_mode: AnswerMode = "strict"
    account: Account = Account()

    @classmethod
    def of(cls, config: Config, max_words: int, answer_mode: AnswerMode = "strict") -> "JudgeRun":
        """The manifest of a judge that has not been asked yet.

        Raises:
            JudgeError, OSError: its rubric or taxonomy cannot be read.
        """
        return cls(
            config=config.model_dump(mode="json", exclude=_WITHOUT_EFFECT),
            text_sha256=_text_sha256(config),
            max_words=max_words,
            answer_mode=answer_mode,
        )

    @property
    def model(self) -> str | None:
        """Name of the judge model; None where the kind has none."""
        return self.config.get("model")

    @property
    def rubric(self) -> str | None:
        """Name of the judging prompt, the taxonomy or the factory."""
        votes = (self.config.get("votes") or {}).get("prompts")
        names = (self.config.get(key) for key in ("prompt", "taxonomy", "factory"))
        return " + ".join(votes) if votes else next(filter(None, names), None)

    def require_same(self, other: "JudgeRun", folder: Path) -> None:
        """Prove that two judges are the same.

        Raises:
            EvaluationError: they differ; the message names the first field.
        """
        mine, theirs = _identity(self), _identity(other)
        for field in sorted(mine.keys() | theirs.keys()):
            if mine.get(field) != theirs.get(field):
                raise EvaluationError(
                    f"{folder / JUDGE}: the verdicts were given with judge {field} {mine.get(field)!r}, now it is "
                    f"{theirs.get(field)!r}: repeat the first command, or judge these predictions into another --out "
                    "with --predictions"
                )

    def charged(self, account: Account) -> "JudgeRun":
        """With another session's account added."""
        return self.model_copy(update={"account": Account.total([self.account, account])})


def load_judge_run(folder: Path) -> JudgeRun | None:
    """The judge's manifest of a run's folder; None where there is none.

    Raises:
        EvaluationError: it cannot be read.
    """
    return load_model(folder / JUDGE, JudgeRun, "remove it and verdicts.jsonl")


def save_judge_run(run: JudgeRun, folder: Path) -> None:
    """Write the manifest, whole or not at all."""
    save_model(run, folder / JUDGE)


def _text_sha256(config: Config) -> str:
    if isinstance(config, LLMJudgeConfig):
        texts = [load_rubric(name).wording for name in config.votes.prompts or (config.prompt,)]
    elif isinstance(config, CustomJudgeConfig):
        texts = [source_text(config)]
    elif config.taxonomy in shipped_taxonomies():
        folder = resources.files("speciarl_verl.judge") / "taxonomies"
        texts = [(folder / f"{config.taxonomy}.json").read_text(encoding="utf-8")]
    else:
        texts = [Path(config.taxonomy).read_text(encoding="utf-8")]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _identity(run: JudgeRun) -> dict[str, Any]:
    return {
        **run.config,
        "max_words": run.max_words,
        "answer mode": run.answer_mode,
        "rubric": f"{run.rubric} ({run.text_sha256[:8]})",
    }
