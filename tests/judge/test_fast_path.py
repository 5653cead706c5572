import asyncio
import random
import re
import unicodedata

import pytest

from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.fast_path import FastPathJudge, Probe, decide
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.judge.protocol import Pair, Source, Verdict
from speciarl_verl.method.category import Category


@pytest.mark.parametrize(
    ("prediction", "ground_truth"),
    [
        ("House Sparrow", "House Sparrow"),
        ("house sparrow", "House Sparrow"),
        ("  house\tsparrow\n", "House_Sparrow"),
        ("House-Sparrow.", "House Sparrow"),
        ("**House Sparrow**", "House Sparrow"),
        ("a house sparrow", "House Sparrow"),
        ('"The House Sparrow"', "House Sparrow"),
        ("an F/A-18", "F/A-18"),
        ("Brewers Blackbird", "Brewer's Blackbird"),
        ("Brewer\u2019s blackbird", "Brewer's Blackbird"),
        ("cafe\u0301 au lait", "Caf\u00e9 au lait"),
        ("\uff27\uff4f\uff4c\uff44finch", "goldfinch"),
        ("STRASSE", "Stra\u00dfe"),
        ("cafe", "caf\u00e9"),
        ("the", "The"),
        ("None", "None"),
        ("unknown", "Unknown"),
        ("n/a", "N/A"),
    ],
)
def test_decide_equal_but_for_spelling_is_specific(prediction, ground_truth):
    assert decide(Pair(prediction, ground_truth)) is Category.SPECIFIC
    assert decide(Pair(ground_truth, prediction)) is Category.SPECIFIC


@pytest.mark.parametrize(
    "prediction",
    ["", "  ", "\n\t", "\u3000", "None", "none.", "N/A", "null", "unknown", "I don't know", "**None**", "cannot tell"],
)
def test_decide_nothing_or_a_refusal_abstains(prediction):
    assert decide(Pair(prediction, "House Sparrow")) is Category.ABSTAIN


@pytest.mark.parametrize(
    ("prediction", "ground_truth"),
    [
        ("???", "House Sparrow"),
        ("???", "!!!"),
        (".", "..."),
        ("\U0001f426", "\U0001f98a"),
        ("Boeing 737-700", "Boeing 737-800"),
        ("Boeing 737", "Boeing 737-800"),
        ("10", "A-10"),
        ("The 10", "A 10"),
        ("124", "An-124"),
        ("sparrow", "House Sparrow"),
        ("House Sparrows", "House Sparrow"),
        ("Sparrow House", "House Sparrow"),
        ("HouseSparrow", "House Sparrow"),
        ("House Sparr0w", "House Sparrow"),
        ("H\u043ause Sparrow", "House Sparrow"),
        ("not a house sparrow", "House Sparrow"),
        ("none of these birds", "House Sparrow"),
        ("unknown bird", "House Sparrow"),
        ("specific", "House Sparrow"),
        ("house sparrow or robin", "House Sparrow"),
        ("Passer domesticus", "House Sparrow"),
    ],
)
def test_decide_anything_else_is_left_to_the_llm(prediction, ground_truth):
    assert decide(Pair(prediction, ground_truth)) is None


def characters(text: str) -> str:
    """Letters, marks and digits, in any case and encoding."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(character for character in folded if unicodedata.category(character)[0] in "LMN")


def readings(text: str) -> set[str]:
    """Its characters, with and without the articles that it may begin with."""
    found = {characters(text)}
    while match := re.match(r"\W*(?:a|an|the)\s+(?=[^\W\d_])", text, re.IGNORECASE):
        text = text[match.end() :]
        found.add(characters(text))
    return found


PIECES = [*"aAbB12 -_.", " ", "an", "the", "The", "ab", "\u00e9", "\u00df", chr(39)]


def test_decide_never_says_specific_of_other_letters_or_digits():
    dice = random.Random(3)
    decided = 0
    for _ in range(60_000):
        prediction, ground_truth = ("".join(dice.choices(PIECES, k=dice.randint(1, 5))) for _ in range(2))
        if decide(Pair(prediction, ground_truth)) is Category.SPECIFIC:
            decided += 1
            assert readings(prediction) & readings(ground_truth), (prediction, ground_truth)
    assert decided > 300


def test_decide_never_says_specific_of_a_name_with_one_character_changed():
    dice = random.Random(4)
    names = ["Boeing 737-800", "Golden-winged Warbler", "Volvo 240 Sedan 1993", "A-10", "Cr\u00e8me br\u00fbl\u00e9e"]
    for _ in range(20_000):
        name = dice.choice(names)
        place = dice.choice([index for index, character in enumerate(name) if character.isalnum()])
        other = dice.choice([letter for letter in "abcxyz0189" if letter != name[place].casefold()])
        assert decide(Pair(name[:place] + other + name[place + 1 :], name)) is None


class Thinker:
    """A judge that says which pairs reached it."""

    def __init__(self) -> None:
        self.asked: list[Pair] = []
        self.calls: list[str] = []

    async def judge(self, pair: Pair) -> Verdict:
        self.asked.append(pair)
        return Verdict(Category.GENERIC, Source.SERVER, confidence=0.5)

    async def check(self) -> None:
        self.calls.append("check")

    async def close(self) -> None:
        self.calls.append("close")


async def test_judge_only_what_needs_thought_reaches_the_judge_behind():
    thinker = Thinker()
    judge = FastPathJudge(thinker)
    pairs = [Pair("robin", "Robin"), Pair("bird", "Robin"), Pair("", "Robin")]
    assert [await judge.judge(pair) for pair in pairs] == [
        Verdict(Category.SPECIFIC, Source.FAST_PATH),
        Verdict(Category.GENERIC, Source.SERVER, confidence=0.5),
        Verdict(Category.ABSTAIN, Source.FAST_PATH),
    ]
    assert thinker.asked == [pairs[1]]
    await judge.check()
    await judge.close()
    assert thinker.calls == ["check", "close"]


async def test_probe_asks_the_judge_about_every_so_many_and_counts_where_it_agrees():
    ledger, asked = Ledger(), []

    async def ask(pair: Pair) -> Category:
        asked.append(pair.prediction)
        if pair.prediction == "failing":
            raise JudgeError("gone")
        return Category.GENERIC if pair.prediction == "odd" else Category.SPECIFIC

    probe = Probe(ask, share=0.25, ledger=ledger)
    judge = FastPathJudge(Thinker(), probe)
    names = [*["robin"] * 4, *["robin", "robin", "robin", "odd"], *["robin", "robin", "robin", "failing"], *[""] * 4]
    verdicts = [await judge.judge(Pair(name, name or "robin")) for name in names]
    await probe.settled()
    assert asked == ["robin", "odd", "failing"]
    assert (ledger.probed, ledger.probe_agreed) == (2, 1)
    assert ledger.account().figures()["fast_path_agreement"] == 0.5
    assert {verdict.source for verdict in verdicts} == {Source.FAST_PATH}


async def test_probe_delays_no_verdict_and_is_given_up_at_the_end():
    never = asyncio.Event()

    async def ask(pair: Pair) -> Category:
        await never.wait()
        return Category.SPECIFIC

    judge = FastPathJudge(Thinker(), probe := Probe(ask, share=1.0, ledger=Ledger()))
    assert (await judge.judge(Pair("robin", "Robin"))).category is Category.SPECIFIC
    await judge.close()
    with pytest.raises(asyncio.CancelledError):
        await probe.settled()
