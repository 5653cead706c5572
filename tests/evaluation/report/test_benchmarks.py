import random

from speciarl_verl.evaluation.report.benchmarks import ALL, GROUPS, dataset_title, in_reading_order


def test_reading_order_is_the_papers_and_then_by_name() -> None:
    names = [*ALL.datasets, "birds", "aircraft", "cub"]
    for seed in range(3):
        random.Random(seed).shuffle(names)
        assert in_reading_order(set(names)) == [*ALL.datasets, "aircraft", "birds", "cub"]
    assert in_reading_order({"food101"}) == ["food101"]


def test_a_title_is_the_papers_or_the_data_sets_own() -> None:
    assert dataset_title("oxford_pets") == "OxfordPets"
    assert dataset_title("my birds") == "my birds"


def test_every_data_set_of_the_paper_is_in_one_group_and_in_all_of_them() -> None:
    *groups, everything = GROUPS
    assert sorted(name for group in groups for name in group.datasets) == sorted(everything.datasets)
