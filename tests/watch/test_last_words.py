"""The one message of a failed training that its user needs."""

import pytest

from speciarl_verl.watch.last_words import last_words

RAY = "\x1b[36m(TaskRunnerV1 pid=7, ip=10.0.0.1)\x1b[0m "
TRACE = "ray.exceptions.RayTaskError(StopRunError): ray::TaskRunnerV1.run() (pid=7)"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param(["", "Killed", " "], "Killed", id="last line"),
        pytest.param(
            ["step 1", "x.y.ConfigError: no such key", "at exit: bye"], "x.y.ConfigError: no such key", id="own"
        ),
        pytest.param(["  File x", "KeyboardInterrupt", RAY + "WARNING: threads"], "KeyboardInterrupt", id="bare"),
        pytest.param([RAY + "ValueError: bad column", TRACE], "ValueError: bad column", id="cause, not Ray's task"),
        pytest.param(["Training:  10%\rKeyError: 'uid'"], "KeyError: 'uid'", id="behind a progress bar"),
        pytest.param(
            [RAY + "speciarl_verl.errors.StopRunError: training stopped: judge dead.", "OSError: at exit"],
            "training stopped: judge dead.",
            id="ours before all others",
        ),
    ],
)
def test_the_message_that_matters(lines: list[str], words: str | None) -> None:
    assert last_words(lines) == words


def test_death_of_the_trainers_own_process_names_it_its_cause_and_cure() -> None:
    died = [
        "ray.exceptions.ActorDiedError: The actor died unexpectedly before finishing this task.",
        "\tclass_name: TaskRunnerV1",
        "\tactor_id: 0c1d",
        "\tpid: 4242",
        "The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR.",
        "at exit: bye",
    ]
    words = last_words(died)
    assert words is not None
    assert words.startswith(
        "the process TaskRunnerV1 of the training died: its worker process has died. The out-of-mem"
    )
    assert words.endswith("the same command resumes from the last checkpoint")
    assert last_words([*died, "ValueError: what came after"]) == "ValueError: what came after"


def test_trainer_on_a_machine_that_died_is_named() -> None:
    lines = [
        "Traceback (most recent call last):",
        "ray.exceptions.ActorUnavailableError: The actor b94a is unavailable: The actor is temporarily unavailable: "
        "RpcError: RPC error: Socket closed rpc_code: 14. The task may or may not have been executed on the actor.",
        "Set the environment variable HYDRA_FULL_ERROR=1 for a complete stack trace.",
    ]
    words = last_words(lines)
    assert words is not None
    assert words.startswith("a process of the training cannot be reached: its machine died")
    assert words.endswith("the same command resumes from the last checkpoint")
