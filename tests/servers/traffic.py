"""What a training step asks of its judge: rollouts of images, labels drawn Zipf-like, so that many repeat."""

import random

from speciarl_verl.judge.protocol import Pair

IMAGES, ROLLOUTS, LABELS = 256, 10, 200


def step(seed: int) -> list[Pair]:
    """2,560 pairs; the k-th most likely answer to a class is drawn in proportion to 1 / k."""
    rng = random.Random(seed)
    pairs = []
    for _ in range(IMAGES):
        truth = rng.randrange(LABELS)
        answers = rng.choices(range(50), weights=[1 / rank for rank in range(1, 51)], k=ROLLOUTS)
        # No digits alone: the fast path must not decide any of them.
        pairs += [Pair(f"answer {answer} to class {truth}", f"Class {truth}") for answer in answers]
    return pairs
