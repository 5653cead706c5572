"""From the configuration to the judge of this process."""

from pathlib import Path

from speciarl_verl.judge.config import ServerJudgeConfig, TaxonomyJudgeConfig
from speciarl_verl.judge.protocol import Judge, JudgeError
from speciarl_verl.judge.server import ServerJudge
from speciarl_verl.judge.taxonomy import TaxonomyJudge, shipped_taxonomies


def build_judge(config: TaxonomyJudgeConfig | ServerJudgeConfig) -> Judge:
    """Make the judge that the configuration names. Nothing is sent yet: `check` does that.

    Raises:
        JudgeError: the configuration misses something, or a file that it names cannot be used.
    """
    if isinstance(config, TaxonomyJudgeConfig):
        if config.taxonomy in shipped_taxonomies():
            return TaxonomyJudge.shipped(config.taxonomy)
        if not Path(config.taxonomy).exists():
            shipped = ", ".join(shipped_taxonomies())
            raise JudgeError(f"speciarl.judge.taxonomy {config.taxonomy!r} is neither a file nor shipped ({shipped})")
        return TaxonomyJudge.from_file(config.taxonomy)
    return ServerJudge(config)
