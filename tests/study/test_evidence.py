import numpy as np
import pytest

from recipes.study.birds import held_out
from recipes.study.evidence import draw, family_posterior, order_posterior
from recipes.study.hedging import PROMPTS, rungs
from recipes.study.world import BIRDS, DOMAINS


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_the_posterior_is_as_often_right_as_it_says(domain: object) -> None:
    assert domain in DOMAINS
    evidence = draw(domain, 6000, np.random.default_rng(0))  # type: ignore[arg-type]
    flat = evidence.posterior.reshape(len(evidence), -1)
    kinds = evidence.posterior.shape[2]
    right = flat.argmax(axis=1) == evidence.family * kinds + evidence.kind
    stated = flat.max(axis=1)
    for low in np.arange(0.1, 0.9, 0.2):
        within = (stated >= low) & (stated < low + 0.2)
        assert right[within].mean() == pytest.approx(stated[within].mean(), abs=0.06)


def test_evidence_fades_from_certain_to_next_to_nothing() -> None:
    certainty = draw(BIRDS, 4000, np.random.default_rng(1)).posterior.max(axis=(1, 2))
    shares = np.histogram(certainty, bins=10, range=(0, 1))[0] / len(certainty)
    assert certainty.min() < 0.06
    assert np.quantile(certainty, 0.97) > 0.98
    assert (shares[1:] > 0.06).all()
    assert (shares < 0.2).all()


def test_higher_rungs_are_known_better() -> None:
    joint = draw(BIRDS, 500, np.random.default_rng(2)).posterior
    kind, family, order = (
        joint.max(axis=(1, 2)),
        family_posterior(joint).max(axis=1),
        order_posterior(joint).max(axis=1),
    )
    assert (kind <= family + 1e-12).all()
    assert (family <= order + 1e-12).all()


def test_very_fine_grained_domains_are_harder() -> None:
    means = {d.name: draw(d, 3000, np.random.default_rng(3)).posterior.max(axis=(1, 2)).mean() for d in DOMAINS}
    assert max(means["cars"], means["aircraft"]) < min(means["flowers"], means["food"], means["pets"]) - 0.1


def test_take_keeps_what_belongs_together() -> None:
    evidence = draw(BIRDS, 20, np.random.default_rng(4))
    few = evidence.take(np.array([3, 7]))
    assert few.labels() == [evidence.labels()[3], evidence.labels()[7]]
    assert np.array_equal(few.posterior, evidence.posterior[[3, 7]])


def test_held_out_pictures_are_the_same_for_a_seed_and_others_for_another() -> None:
    first, second, other = (held_out(BIRDS, 3, seed)[1] for seed in (0, 0, 1))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_rungs_are_probabilities(prompt: str) -> None:
    shares = rungs(draw(BIRDS, 50, np.random.default_rng(5)), prompt)
    assert shares.sum(axis=1) == pytest.approx(1.0)
    assert (shares > 0).all()
