"""When an answer is no single name: it offers several options, or has no end. Needs no LLM and knows no truth.

Several options: "or" and its like between two words (English, German, French, Portuguese, Spanish, Italian, Russian,
Ukrainian, Polish, Danish, Norwegian, Swedish, Turkish, Indonesian, Vietnamese, Greek, Arabic, Persian, Hebrew, Hindi,
Chinese, Japanese, Korean); a slash or a bar between words; a list with 、; a list of three names or more with
commas; names with bullets, numbers, percentages or question marks between them.
What could be one name is left to the judge: `F/A-18`, "Mont d'Or", "Portuguese man o' war", "Cavalier King Charles,
ruby", "bacon, lettuce and tomato sandwich", names that share a word.
"""

import re
import unicodedata
from enum import Enum

from speciarl_verl.judge.wording import is_abstention, is_scientific


class Malformed(str, Enum):
    """Why an answer is wrong whatever it says."""

    TOO_LONG = "too-long"
    HEDGED = "hedged"


def find_fault(answer: str, max_words: int, max_characters: int) -> Malformed | None:
    """What is wrong with the form of an answer; None for a name, and for a refusal such as `n / a`.

    Args:
        max_words: most words (split at white space) that an answer has, and `max_characters` most characters.
    """
    if len(answer) > max_characters or len(answer.split()) > max_words:
        return Malformed.TOO_LONG
    return Malformed.HEDGED if _offers_several(answer) and not is_abstention(answer) else None


# In lower case only, for the Oder is a river; last Russian, Ukrainian, Greek, Arabic, Persian, Hebrew, Hindi.
_OR_ELSEWHERE = frozenset(
    [
        *["oder", "ou", "oppure", "lub", "albo", "eller", "veya", "atau", "ho\u1eb7c"],
        *[
            "\u0438\u043b\u0438",
            "\u0430\u0431\u043e",
            "\u03ae",
            "\u0623\u0648",
            "\u06cc\u0627",
            "\u05d0\u05d5",
            "\u092f\u093e",
        ],
    ]
)
# Chinese, Japanese, Korean; and the comma of lists in the first two.
_OR_UNSPACED = re.compile(r"\w\s*(?:或|还是|還是|または|又は|もしくは|あるいは|또는|혹은|、)\s*\w")
# Spanish and Italian "o" is English "of" in a man o war, a will o the wisp, a jack o lantern.
_OF_ENGLISH = frozenset(["man", "will", "jack", "tam", "cat", "land", "john", "bird"])
_BETWEEN_WORDS = re.compile(r"[\s,;:()\[\]/|\u2013\u2014]+")
# "robin / cardinal", "robin/cardinal", "robin | cardinal"; but F/A-18, F-16A/B and C/V are names: without spaces, it
# takes words of three letters or more, or a script that has no spaces.
_SLASH = re.compile(
    r"\w\s[/|]\s\w|[^\W\d_]{3}\s?[/|]\s?[^\W\d_]{3}|[\u3040-\u9fff\uac00-\ud7a3]\s?[/|]\s?[\u3040-\u9fff\uac00-\ud7a3]"
)
# "robin? wren", "robin (60%), wren (40%)", "- robin - wren", "1. robin 2. wren"
_ENUMERATED = re.compile(r"\w\)?\?\s+\w|%.+%|^[-*\u2022]\s.+\s[-*\u2022]\s|^1[.)]\s.+\s2[.)]\s")
_COMMA = re.compile("[,;\u060c]")
_JOINED = frozenset(["and", "und", "et", "e", "y", "och", "og", "i", "&", "with", "mit", "avec", "con"])


def _offers_several(answer: str) -> bool:
    text = unicodedata.normalize("NFKC", answer)
    words = _BETWEEN_WORDS.split(text.strip(" ,;:()[]/|"))
    inner = range(1, len(words) - 1)
    return (
        any(_is_or(words, place, shouted=text.isupper()) for place in inner)
        or any(pattern.search(text) is not None for pattern in (_OR_UNSPACED, _SLASH, _ENUMERATED))
        or _is_list(text)
    )


def _is_or(words: list[str], place: int, shouted: bool) -> bool:
    before, word, after = words[place - 1].casefold(), words[place], words[place + 1].casefold()
    if word.casefold() == "or":
        return before != "d"
    if word == "o":
        return before not in _OF_ENGLISH and after != "the"
    return (word.casefold() if shouted else word) in _OR_ELSEWHERE


def _is_list(text: str) -> bool:
    """Three names or more: short, without a word in common, without "and", all or none with digits."""
    names = [name.strip(" .") for name in _COMMA.split(text)]
    words = [word.casefold() for name in names for word in name.split()]
    return (
        len(names) >= 3
        and all(1 <= len(name.split()) <= 3 for name in names)
        and len(set(words)) == len(words)
        and not _JOINED.intersection(words)
        and not any(is_scientific(name) for name in names)
        and len({any(character.isdigit() for character in name) for name in names}) == 1
    )
