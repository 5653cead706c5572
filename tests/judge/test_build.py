import pytest

from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.build import build_judge, check_judge
from speciarl_verl.judge.judge_config import HostedJudgeConfig, TaxonomyJudgeConfig
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.judge.protocol import Pair, Source
from speciarl_verl.judge.response import AnswerConfig
from speciarl_verl.method.category import Category

SENTENCE = Pair(
    "it is a crow, or maybe a raven, or perhaps some other large dark bird that I can not see well", "American Crow"
)


async def test_what_it_did_is_counted_in_the_ledger_that_is_given() -> None:
    ledger = Ledger()
    verdict = await build_judge(TaxonomyJudgeConfig(), ledger).judge(Pair("crow", "American Crow"))
    assert (verdict.category, verdict.source) == (Category.LESS_SPECIFIC, Source.TAXONOMY)
    assert ledger.account().decided == {Source.TAXONOMY: 1}


async def test_only_the_answers_of_a_model_must_be_well_formed() -> None:
    source = {
        mode: (await build_judge(TaxonomyJudgeConfig(), answer=answer).judge(SENTENCE)).source
        for mode, answer in {"pairs": None, "strict": AnswerConfig(), "paper": AnswerConfig(mode="paper")}.items()
    }
    assert source == {"pairs": Source.TAXONOMY, "strict": Source.ANSWER_RULE, "paper": Source.TAXONOMY}


def test_a_hosted_judge_has_no_address_outside_its_run() -> None:
    with pytest.raises(JudgeError, match="only a run knows it"):
        build_judge(HostedJudgeConfig())


@pytest.mark.parametrize("taxonomy", ["no-such", "/nowhere/birds.json"])
def test_a_taxonomy_that_is_not_there_is_refused_with_those_that_are(taxonomy: str) -> None:
    with pytest.raises(JudgeError, match=r"neither a file nor shipped \(cub"):
        build_judge(TaxonomyJudgeConfig(taxonomy=taxonomy))


async def test_the_offline_judge_needs_no_proof() -> None:
    await check_judge(TaxonomyJudgeConfig())
