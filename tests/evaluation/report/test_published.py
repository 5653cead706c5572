import pytest

from speciarl_verl.evaluation.report.published import published

# As the paper has them (arXiv 2603.03197): specificity, correctness, HM.
FINE_GRAINED = {
    "Qwen2.5-VL-7B zero-shot": (0.742, 0.846, 0.790),
    '"be specific" prompt': (0.816, 0.832, 0.822),
    "SFT": (0.935, 0.807, 0.866),
    "RFT (binary)": (0.875, 0.785, 0.825),
    "SpeciaRL": (0.920, 0.848, 0.883),
    "BoN-64 upper bound": (0.889, 0.984, 0.933),
}
VERY_FINE_GRAINED_HM = {"SpeciaRL": 0.830, "SFT": 0.814, "RFT (binary)": 0.821, "BoN-64 upper bound": 0.868}


def test_published_rows_are_the_papers():
    rows = [row for row in published().rows if row.scope == "fine_grained"]
    assert {row.method: (row.specificity, row.correctness, row.hm) for row in rows} == FINE_GRAINED
    assert published().methods == tuple(FINE_GRAINED)


def test_published_very_fine_grained_rows_have_an_hm_and_nothing_else():
    rows = [row for row in published().rows if row.scope == "very_fine_grained"]
    assert {row.method: row.hm for row in rows} == VERY_FINE_GRAINED_HM
    assert all(row.specificity is None and row.correctness is None for row in rows)


def test_published_says_where_the_rows_come_from():
    assert published().source == "arXiv 2603.03197"


@pytest.mark.parametrize(("method", "scope"), [("SFT", "all"), ('"be specific" prompt', "very_fine_grained")])
def test_find_gives_nothing_that_was_not_published(method, scope):
    assert published().find(method, scope) is None
