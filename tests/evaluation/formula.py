"""METHOD's three lines in exact arithmetic, on the paper's symbols: what the metrics are held against."""

from collections.abc import Sequence
from fractions import Fraction

POINTS = {"W": 0, "A": 1, "G": 2, "S-": 3, "S": 4, "S+": 4}


def exact_metrics(symbols: Sequence[str]) -> tuple[Fraction, Fraction, Fraction]:
    """(correctness, specificity, HM); what divides nothing by nothing is 0."""
    n, n_wrong = len(symbols), sum(symbol == "W" for symbol in symbols)
    corr = 1 - Fraction(n_wrong, n)
    points = sum(POINTS[symbol] for symbol in symbols if symbol != "W")
    spec = Fraction(1, 4) * Fraction(points, n - n_wrong) if n_wrong < n else Fraction(0)
    return corr, spec, 2 * spec * corr / (spec + corr) if spec + corr else Fraction(0)
