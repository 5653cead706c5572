"""The four scores of Conti et al. (ICCV 2025) on predictions that are already there.

TI  text inclusion: the label's text occurs in the prediction, whatever the case and the white space; as in their
    protocol also within a longer word, so that the figures compare with published ones.
LI  an LLM says yes or no (`inclusion.py`).
SS  cosine of the Sentence-BERT embeddings of label and prediction (`encoder.py`).
CS  the best such cosine over the noun chunks of the prediction (`chunker.py`) and the prediction itself.

The prediction is the extracted answer. A sample without one (unparseable or failed) counts as 0 in all four. A data
set's score is the mean over all its samples. A score whose model is not at hand is off: None, with the reason.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import fsum

from speciarl_verl.errors import JudgeError
from speciarl_verl.evaluation.conti.chunker import Chunker
from speciarl_verl.evaluation.conti.encoder import Encoder, cosines
from speciarl_verl.evaluation.conti.four_scores import ContiScores
from speciarl_verl.evaluation.conti.inclusion import judge_inclusions
from speciarl_verl.evaluation.conti.missing_model import MissingModelError
from speciarl_verl.evaluation.records import Judged
from speciarl_verl.judge.protocol import Judge, Pair
from speciarl_verl.method.category import Category

logger = logging.getLogger(__name__)

_NO_ENCODER = MissingModelError("no sentence encoder was given")
_NO_CHUNKER = MissingModelError("no spaCy pipeline was given")
_NO_INCLUSION = MissingModelError("no LLM was given")


PairScores = Mapping[Pair, float]
"""One score's value for every distinct pair."""


def score_conti(
    judged: Sequence[Judged],
    *,
    encoder: Encoder | MissingModelError | None,
    chunker: Chunker | MissingModelError | None,
    inclusion: Judge | MissingModelError | None,
) -> dict[str, ContiScores]:
    """Score every data set among the predictions; equal pairs and equal texts are looked at once.

    Starts an event loop of its own for the LLM and closes its connections on it, so it cannot be called from within
    one. An LLM that gives up turns LI off, with its error as the reason; the other three stand.

    Args:
        encoder, chunker, inclusion: None or `MissingModelError` turns off what needs it.
    """
    sets: dict[str, Counter[Pair | None]] = {}
    for one in judged:
        sets.setdefault(one.prediction.key.dataset, Counter())[_pair(one)] += 1
    # Sorted, so that batches and sums are the same in whatever order the predictions came.
    pairs = sorted({pair for counted in sets.values() for pair in counted if pair}, key=_by_text)
    scores: dict[str, PairScores | MissingModelError] = {
        "text_inclusion": {pair: float(includes_text(pair)) for pair in pairs},
        "llama_inclusion": _inclusions(pairs, inclusion or _NO_INCLUSION),
        **_similarities(pairs, encoder or _NO_ENCODER, chunker or _NO_CHUNKER),
    }
    return {name: _of_set(sets[name], scores) for name in sorted(sets)}


def includes_text(pair: Pair) -> bool:
    """TI of one pair."""
    return _folded(pair.ground_truth) in _folded(pair.prediction)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _pair(judged: Judged) -> Pair | None:
    if judged.answer is None or not isinstance(judged.outcome, Category):
        return None
    return Pair(prediction=judged.answer, ground_truth=judged.prediction.ground_truth)


def _by_text(pair: Pair) -> list[str]:
    return [pair.ground_truth, pair.prediction]


def _of_set(counted: Counter[Pair | None], scores: Mapping[str, PairScores | MissingModelError]) -> ContiScores:
    notes = {name: str(score) for name, score in scores.items() if isinstance(score, MissingModelError)}
    means = {name: _mean(counted, score) for name, score in scores.items() if not isinstance(score, MissingModelError)}
    return ContiScores(**dict.fromkeys(notes), **means, notes=notes)


def _mean(counted: Counter[Pair | None], score: PairScores) -> float:
    return fsum(score[pair] * count for pair, count in counted.items() if pair) / counted.total()


def _inclusions(pairs: Sequence[Pair], inclusion: Judge | MissingModelError) -> PairScores | MissingModelError:
    if isinstance(inclusion, MissingModelError):
        return inclusion
    try:
        answers = asyncio.run(judge_inclusions(inclusion, pairs))
    except JudgeError as error:
        logger.warning("llama_inclusion is off: %s", error)
        return MissingModelError(str(error))
    return dict(zip(pairs, map(float, answers), strict=True))


def _similarities(
    pairs: Sequence[Pair], encoder: Encoder | MissingModelError, chunker: Chunker | MissingModelError
) -> Mapping[str, PairScores | MissingModelError]:
    if isinstance(encoder, MissingModelError):
        return {"semantic_similarity": encoder, "concept_similarity": encoder}
    predictions = sorted({pair.prediction for pair in pairs})
    chunks = {} if isinstance(chunker, MissingModelError) else dict(zip(predictions, chunker(predictions), strict=True))
    texts = {pair.ground_truth for pair in pairs}.union(predictions, *chunks.values())
    cosine = cosines(encoder, texts)
    best = chunker if isinstance(chunker, MissingModelError) else _best_cosines(pairs, chunks, cosine)
    whole = {pair: cosine(pair.ground_truth, pair.prediction) for pair in pairs}
    return {"semantic_similarity": whole, "concept_similarity": best}


def _best_cosines(
    pairs: Sequence[Pair], chunks: Mapping[str, Iterable[str]], cosine: Callable[[str, str], float]
) -> PairScores:
    return {
        pair: max(cosine(pair.ground_truth, concept) for concept in (pair.prediction, *chunks[pair.prediction]))
        for pair in pairs
    }
