import itertools
from fractions import Fraction

import pytest

from speciarl_verl.judge.llm.vote import Ballot, majority
from speciarl_verl.method.category import Category

W, A, G, L, S, M = Category


@pytest.mark.parametrize(
    ("votes", "category", "agreement"),
    [
        pytest.param([S], S, 1.0, id="one voter"),
        pytest.param([S, S, S], S, 1.0, id="all agree"),
        pytest.param([W, S, S], S, 2 / 3, id="majority over a lower one"),
        pytest.param([M, M, W], M, 2 / 3, id="majority over a lower one, first"),
        pytest.param([S, L, S, L], L, 1 / 2, id="tie goes to the lower"),
        pytest.param([M, S, G], G, 1 / 3, id="all differ"),
        pytest.param([S, S, L, L, W], L, 2 / 5, id="tie above a lone lower one"),
        pytest.param([W, A, W, A, M, M, M], M, 3 / 7, id="plurality"),
    ],
)
def test_majority_the_most_votes_and_then_the_lowest(votes, category, agreement):
    assert majority(votes) == Ballot(category, agreement)


def test_majority_of_every_ballot_of_three():
    for votes in itertools.product(Category, repeat=3):
        # Of three, the middle one is the majority where there is one; without one, all differ and the lowest wins.
        differ = len(set(votes)) == 3
        expected = min(votes) if differ else sorted(votes)[1]
        ballot = majority(votes)
        assert ballot.category is expected
        assert Fraction(ballot.agreement).limit_denominator(3) == Fraction(1 if differ else votes.count(expected), 3)


def test_majority_of_every_ballot_of_four_does_not_depend_on_the_order():
    for votes in itertools.combinations_with_replacement(Category, 4):
        ballots = {majority(order) for order in itertools.permutations(votes)}
        assert len(ballots) == 1
        (ballot,) = ballots
        rivals = [category for category in Category if votes.count(category) >= votes.count(ballot.category)]
        assert min(rivals) is ballot.category
        assert all(votes.count(rival) == votes.count(ballot.category) for rival in rivals)
        assert ballot.agreement == votes.count(ballot.category) / 4


def test_majority_of_nobody_is_an_error():
    with pytest.raises(ValueError, match="no votes"):
        majority([])
