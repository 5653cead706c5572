"""When two wordings name the same thing, and when a wording is a refusal: what needs no LLM to decide."""

import re
import unicodedata

# The typewriter apostrophe, both typographic quotes, the modifier letter, grave and acute accents.
_APOSTROPHES = str.maketrans("", "", "'\u2018\u2019\u02bc\u0060\u00b4")
_ASCII_SIGNS = re.compile("[^a-z0-9]+")
_ARTICLES = re.compile(r"^(?:(?:a|an|the) )+")
# Not the A of A-10 or the An of An 124.
_SPOKEN_ARTICLES = re.compile(r"\A\W*(?:(?:a|an|the)\s+)+(?=[^\W\d_])", re.IGNORECASE)
_SCIENTIFIC = re.compile(r"[A-Z][a-z]+(?: [a-z]+(?:us|um|a|is|ae|i|os|es|ns|or|x)){1,2}")
# Letters with a stroke and ligatures, which Unicode does not take apart.
_PLAIN_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "\u0131": "i", "æ": "ae", "œ": "oe"})

_ABSTENTIONS = (
    "none",
    "none of the above",
    "no answer",
    "no idea",
    "no label",
    "not sure",
    "not known",
    "not identifiable",
    "not possible to tell",
    "nothing",
    "null",
    "n/a",
    "abstain",
    "unknown",
    "unclear",
    "uncertain",
    "unsure",
    "undetermined",
    "unidentified",
    "unidentifiable",
    "unrecognizable",
    "indeterminate",
    "impossible to say",
    "impossible to tell",
    "don't know",
    "do not know",
    "i don't know",
    "i do not know",
    "i'm not sure",
    "i am not sure",
    "i'm unsure",
    "i am unsure",
    "i have no idea",
    *(
        f"{who}{modal} {verb}"
        for who in ("", "i ")
        for modal in ("cannot", "can not", "can't", "could not", "couldn't")
        for verb in ("tell", "say", "determine", "identify", "recognize", "recognise", "answer")
    ),
    *(
        f"{who}unable to {verb}"
        for who in ("", "i am ", "i'm ")
        for verb in ("tell", "say", "determine", "identify", "recognize", "recognise", "answer")
    ),
    "cannot be determined",
    "cannot be identified",
    "can't be determined",
    "can't be identified",
)


def normalise(text: str) -> str:
    """Fold what does not change which thing a name means: `fold`, and leading articles (a, an, the) dropped unless
    nothing would be left."""
    return _ARTICLES.sub("", fold(text))


def same_name(one: str, other: str) -> bool:
    """True when two wordings differ in no letter or digit: equal up to `fold` and a leading article."""
    name = fold(_SPOKEN_ARTICLES.sub("", one))
    return bool(name) and name == fold(_SPOKEN_ARTICLES.sub("", other))


def fold(text: str) -> str:
    """Fold what does not change how a name is read.

    Apostrophes and what is not seen (soft hyphens, zero-width spaces) dropped: `Brewer's` is `brewers`; `&` is `and`;
    Unicode NFKC and case folding; accents off Latin and Greek letters
    (`crème` is `creme`, `ø` is `o`, `æ` is `ae`); hyphens, underscores and every other sign become white space; white
    space collapsed. Plurals and word order stay as they are. A text of signs alone becomes the empty string.
    """
    if text.isascii():
        # The same in a few steps: there is nothing to take apart.
        bare = text.replace("'", "").replace("`", "").replace("&", " and ")
        return _ASCII_SIGNS.sub(" ", bare.lower()).strip()
    # Apostrophes go first: NFKC turns the acute accent into a space with a mark.
    seen = "".join(character for character in text.translate(_APOSTROPHES) if not _is_unseen(character))
    bare = unicodedata.normalize("NFKC", seen).replace("&", " and ")
    folded = _without_accents(unicodedata.normalize("NFKC", bare.casefold()))
    words = "".join(character if _is_part_of_word(character) else " " for character in folded)
    return " ".join(words.split())


def without_punctuation(text: str) -> str:
    """What the authors' release shows its judge: lower case, letters, numbers and dashes; the rest is white space."""
    kept = (c if unicodedata.category(c)[0] in "LN" or unicodedata.category(c) == "Pd" else " " for c in text)
    return " ".join("".join(kept).lower().split())


def is_scientific(text: str) -> bool:
    """True for what looks like the Latin name of a species, such as `Erithacus rubecula`."""
    return _SCIENTIFIC.fullmatch(text) is not None


def is_abstention(text: str) -> bool:
    """True when the whole text is one of the refusals that this module lists, in any wording `normalise` folds."""
    return normalise(text) in _NORMALISED_ABSTENTIONS


def _without_accents(text: str) -> str:
    """In other scripts a mark makes another letter or vowel: Devanagari, kana, the Cyrillic short i."""
    if text.isascii():
        return text
    plain: list[str] = []
    accented = False
    for character in unicodedata.normalize("NFD", text.translate(_PLAIN_LETTERS)):
        if unicodedata.category(character) != "Mn":
            accented = unicodedata.name(character, "").startswith(("LATIN", "GREEK"))
        elif accented:
            continue
        plain.append(character)
    return unicodedata.normalize("NFC", "".join(plain))


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f"


def _is_part_of_word(character: str) -> bool:
    # Vowel signs of Indic scripts are marks, which `isalnum` does not count.
    return character.isalnum() or unicodedata.category(character).startswith("M")


_NORMALISED_ABSTENTIONS = frozenset(map(normalise, _ABSTENTIONS))
