"""A judge that verl hosts in the run that it judges: vLLM servers, verl's router, our address, real verdicts."""

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import World
from tests.e2e.test_training import assert_trained, rollouts, train
from tests.servers.miniature import write_model

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.mark.full
def test_training_is_judged_by_a_model_that_verl_hosts(world: World, tmp_path: Path) -> None:
    out, log = tmp_path / "hosted", tmp_path / "hosted.log"
    judge = ["--judge", "hosted", "--judge-model", str(write_model(tmp_path / "judge"))]
    # The fewest logical CPUs that `check_ray_cpus` lets pass; and no verdict of an earlier run.
    overrides = ("trainer.total_training_steps=1", "ray_kwargs.ray_init.num_cpus=10", "speciarl.judge.cache=memory")
    assert train(world.command(out, *judge, overrides=overrides), log) == 0, log.read_text()[-3000:]
    assert_trained(out, world, steps=1, log=log)

    (account,) = (json.loads(file.read_text()) for file in (out / "metrics").glob("*.judge.json"))
    judged = [record for group in rollouts(out, 1) for record in group if record["category"] != "unparseable"]
    # Those of the step, and one validation of 8 pictures after it.
    assert len(judged) <= account["asked"] <= len(judged) + 8
    assert account["failed"] == account["off_menu"] == 0
    assert 0 < account["server"] == account["sent"], "the hosted judge gave no verdict"
    assert account["prompt_tokens"] > account["cached_prompt_tokens"] > 0, "each request computed the rubric anew"
    # The same pair has the same verdict, whoever asked.
    verdicts: dict[tuple[str, str], set[str]] = {}
    for record in judged:
        verdicts.setdefault((record["answer"], record["ground_truth"]), set()).add(record["category"])
    assert all(len(categories) == 1 for categories in verdicts.values())
