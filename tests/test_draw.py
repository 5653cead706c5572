from speciarl_verl.draw import rank


def test_rank_is_the_same_on_any_machine():
    assert rank(42, "cub", "a.jpg").hex()[:16] == "db0f12a2ac05c03c"
    assert rank(42, "cub\0a.jpg") == rank(42, "cub", "a.jpg")


def test_rank_depends_on_seed_and_names():
    assert len({rank(1, "a"), rank(2, "a"), rank(1, "b"), rank(1, "a", "")}) == 4
