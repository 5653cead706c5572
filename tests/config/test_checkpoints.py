"""Which states of a checkpoint folder a run may start from; each is what a kill at some moment leaves."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from speciarl_verl.config.checkpoints import check_checkpoints
from speciarl_verl.errors import ConfigError


def trainer(folder: Path, **changes: object) -> object:
    keys = {"default_local_dir": str(folder), "resume_mode": "auto", "max_actor_ckpt_to_keep": 2}
    return OmegaConf.create({**keys, **changes})


def saved(folder: Path, *whole: int, partial: int | None = None, tracker: str | None = None) -> Path:
    for step in whole:
        (folder / f"global_step_{step}" / "actor").mkdir(parents=True)
        (folder / f"global_step_{step}" / "data.pt").touch()
    if partial is not None:
        (folder / f"global_step_{partial}" / "actor").mkdir(parents=True)
    if tracker is not None:
        (folder / "latest_checkpointed_iteration.txt").write_text(tracker)
    return folder


@pytest.mark.parametrize(
    ("whole", "partial", "tracker"),
    [
        pytest.param((), None, None, id="nothing yet"),
        pytest.param((10, 20), None, "20", id="whole"),
        pytest.param((10, 20), 30, "20", id="killed while it saved"),
        pytest.param((10, 20), None, "10", id="killed before the tracker was written"),
        pytest.param((), 10, None, id="killed in the first save"),
    ],
)
def test_a_run_may_start(whole: tuple[int, ...], partial: int | None, tracker: str | None, tmp_path: Path) -> None:
    check_checkpoints(trainer(saved(tmp_path, *whole, partial=partial, tracker=tracker)))


@pytest.mark.parametrize(
    "tracker",
    [
        pytest.param(None, id="missing"),
        pytest.param("", id="killed while the tracker was written"),
        pytest.param("30", id="names a folder that is gone"),
        pytest.param("2O", id="no number"),
    ],
)
def test_a_run_does_not_start_over_where_checkpoints_stand(tracker: str | None, tmp_path: Path) -> None:
    folder = saved(tmp_path, 10, 20, tracker=tracker)
    with pytest.raises(ConfigError, match=r"global_step_20 is the last.*start over.*echo 20 >") as caught:
        check_checkpoints(trainer(folder))
    assert str(folder / "latest_checkpointed_iteration.txt") in str(caught.value)
    # The cure cures.
    (folder / "latest_checkpointed_iteration.txt").write_text("20\n")
    check_checkpoints(trainer(folder))


def test_a_tracker_that_names_a_partial_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="echo 20 >"):
        check_checkpoints(trainer(saved(tmp_path, 20, partial=30, tracker="30")))


@pytest.mark.parametrize("mode", ["disable", "resume_path"])
def test_who_says_where_to_start_is_believed(mode: str, tmp_path: Path) -> None:
    check_checkpoints(trainer(saved(tmp_path, 10), resume_mode=mode))


@pytest.mark.parametrize("change", [{"max_actor_ckpt_to_keep": 1}, {"remove_previous_ckpt_in_save": True}])
def test_a_single_checkpoint_is_too_few(change: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="set it to 2 or more"):
        check_checkpoints(trainer(tmp_path, **change))


def test_all_may_be_kept(tmp_path: Path) -> None:
    check_checkpoints(trainer(tmp_path, max_actor_ckpt_to_keep=None))
