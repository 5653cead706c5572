"""From the configuration to the judge of this process."""

from pathlib import Path

from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.accounted import AccountedJudge
from speciarl_verl.judge.audit import Auditor
from speciarl_verl.judge.judge_config import (
    AuditConfig,
    CustomJudgeConfig,
    HostedJudgeConfig,
    JudgeConfig,
    LLMJudgeConfig,
    RunJudgeConfig,
    ServerJudgeConfig,
    TaxonomyJudgeConfig,
    VotesConfig,
)
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.judge.protocol import Judge
from speciarl_verl.judge.response import AnswerConfig, NormalisingJudge, WellFormedJudge
from speciarl_verl.judge.taxonomy import TaxonomyJudge, shipped_taxonomies


def build_judge(config: RunJudgeConfig, ledger: Ledger | None = None, answer: AnswerConfig | None = None) -> Judge:
    """Make the judge that the configuration names. Nothing is sent yet: `check` does that.

    >>> judge = build_judge(TaxonomyJudgeConfig(taxonomy="cub"))
    >>> judge_pairs([Pair("blackbird", "Brewer Blackbird")], judge)[0].category.label
    'less specific'

    Args:
        ledger: what it did is counted there.
        answer: what a model's answers must be like; None for pairs that are no answers of a model.

    Raises:
        JudgeError: the configuration misses something, or a file that it names cannot be used.
    """
    if isinstance(config, HostedJudgeConfig):
        raise JudgeError(
            "the hosted judge has no address here: only a run knows it, through actor_rollout_ref.rollout.agent."
            "agent_loop_manager_class=speciarl_verl.plugin.agent_loop_manager.SpeciaRLAgentLoopManager"
        )
    ledger = ledger or Ledger()
    judge = _deciding_judge(config, ledger, normalise=answer is not None and answer.normalise)
    if answer is not None and answer.mode == "strict":
        judge = WellFormedJudge(judge, answer, asks_first=isinstance(config, TaxonomyJudgeConfig))
    return AccountedJudge(judge, ledger)


def build_auditor(config: RunJudgeConfig, ledger: Ledger, seed: int, normalise: bool = False) -> Auditor | None:
    """Make what asks for second opinions on the verdicts of this judge; None where nobody is named to give them.

    Raises:
        JudgeError: who is named cannot be built.
    """
    if not isinstance(config, LLMJudgeConfig) or not config.audit.is_on:
        return None
    audit, second = config.audit, _second_opinion(config)
    return Auditor(_deciding_judge(second, Ledger(), normalise), audit, ledger, seed)


def _second_opinion(config: LLMJudgeConfig) -> TaxonomyJudgeConfig | ServerJudgeConfig:
    audit = config.audit
    if audit.taxonomy is not None:
        return TaxonomyJudgeConfig(taxonomy=audit.taxonomy)
    named = {key: value for key in ("prompt", "model", "url") if (value := getattr(audit, key)) is not None}
    if audit.url is not None and audit.model is None:
        # The first one that server lists; ours need not be there.
        named["model"] = None
    if not isinstance(config, ServerJudgeConfig):
        raise JudgeError("speciarl.judge.audit: a hosted judge has no address here")
    return config.model_copy(update={**named, "votes": VotesConfig(), "audit": AuditConfig()})


async def check_judge(config: JudgeConfig) -> None:
    """Have the configured judge judge one pair.

    Raises:
        JudgeError: it cannot be built, or does not answer as it must.
    """
    judge = build_judge(config)
    try:
        await judge.check()
    finally:
        await judge.close()


def _deciding_judge(
    config: TaxonomyJudgeConfig | ServerJudgeConfig | CustomJudgeConfig, ledger: Ledger, normalise: bool
) -> Judge:
    if isinstance(config, TaxonomyJudgeConfig):
        return _taxonomy_judge(config.taxonomy)
    if isinstance(config, CustomJudgeConfig):
        from speciarl_verl.judge.custom import CustomJudge

        own = CustomJudge(config)
        return NormalisingJudge(own) if normalise else own
    # Its HTTP client is imported where it is needed only: the offline judge answers at once.
    from speciarl_verl.judge.fast_path import FastPathJudge, Probe
    from speciarl_verl.judge.llm.llm_judge import ServerJudge

    server = ServerJudge(config, ledger)
    judge = NormalisingJudge(server) if normalise else server
    if not config.fast_path:
        return judge
    share = config.fast_path_probe
    return FastPathJudge(judge, Probe(server.ask_afresh, share, ledger) if share else None)


def _taxonomy_judge(taxonomy: str) -> TaxonomyJudge:
    if taxonomy in shipped_taxonomies():
        return TaxonomyJudge.shipped(taxonomy)
    if not Path(taxonomy).exists():
        shipped = ", ".join(shipped_taxonomies())
        raise JudgeError(f"speciarl.judge.taxonomy {taxonomy!r} is neither a file nor shipped ({shipped})")
    return TaxonomyJudge.from_file(taxonomy)
