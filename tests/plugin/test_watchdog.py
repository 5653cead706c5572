"""What a training is told when a part of it dies; the parts answer, or not, as a test says."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Event

import pytest
from ray.exceptions import ActorUnavailableError

from speciarl_verl.plugin.watchdog import Part, Watchdog, reason
from tests.fresh_python import run

DIED = """The actor died unexpectedly before finishing this task.
\tclass_name: SpeciaRLAgentLoopWorker
\tpid: 4242
\tname: agent_loop_worker_0
\tip: 10.0.0.7
The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR Worker exit detail: End."""


def answered(answer: str | None) -> "Future[str | None]":
    future: Future[str | None] = Future()
    future.set_result(answer)
    return future


def dead(error: Exception) -> "Future[str | None]":
    future: Future[str | None] = Future()
    future.set_exception(error)
    return future


WELL = Part("agent-loop worker 0", lambda: answered(None))
BUSY = Part("training worker 0", lambda: Future())
DEAD = Part("agent-loop worker 1", lambda: dead(RuntimeError(DIED)))
FAULTY = Part("rollout server 0", lambda: answered("its engine's process is gone"))


def watchdog(*parts: Part, **settings: object) -> Watchdog:
    fresh = [Part(part.name, part.ask) for part in parts]
    return Watchdog(fresh, **{"interrupt": print, "leave": print, "period_s": 0.01, **settings})  # type: ignore[arg-type]


def test_nothing_is_said_while_all_answer_or_are_busy() -> None:
    assert watchdog(WELL, BUSY).death(patience_s=0.05) is None


@pytest.mark.parametrize(
    ("part", "said"),
    [
        pytest.param(
            DEAD, "the agent-loop worker 1 died: its worker process has died (pid 4242, ip 10.0.0.7).", id="actor"
        ),
        pytest.param(FAULTY, "the rollout server 0 died: its engine's process is gone.", id="engine"),
    ],
)
def test_a_death_is_named_with_its_cause_and_cure(part: Part, said: str) -> None:
    error = watchdog(WELL, BUSY, part).death(patience_s=30)
    assert error is not None
    message = str(error)
    assert message.startswith(f"training stopped: {said}")
    assert "out-of-memory killer" in message
    assert message.endswith("Start the same command again to resume from the last checkpoint.")
    assert "\n" not in message


def test_a_part_that_is_not_reached_for_a_while_is_asked_again() -> None:
    away, asked = dead(ActorUnavailableError("no route", None)), 0

    def ask() -> "Future[str | None]":
        nonlocal asked
        asked += 1
        return away if asked < 3 else answered("its engine's process is gone")

    message = str(watchdog(Part("rollout server 0", ask)).death(patience_s=30))
    assert "rollout server 0 died: its engine's process is gone" in message
    assert asked == 3


def test_all_that_died_together_are_named() -> None:
    message = str(watchdog(DEAD, WELL, FAULTY).death(patience_s=30))
    assert "agent-loop worker 1" in message
    assert "rollout server 0" in message


def test_a_part_that_dies_later_interrupts_the_main_thread_then_ends_the_process() -> None:
    pending: Future[str | None] = Future()
    interrupted, left = Event(), Event()
    late = Part("agent-loop worker 0", lambda: pending)
    dog = watchdog(late, interrupt=interrupted.set, leave=lambda _: left.set(), left_alone_s=0.01, ending_s=0.01)
    dog.start()
    assert not interrupted.wait(0.1)
    pending.set_exception(RuntimeError(DIED))
    assert interrupted.wait(60)
    assert left.wait(60)


def test_a_main_thread_that_blocks_is_interrupted_even_where_sigint_is_blocked_and_ignored() -> None:
    output = run(
        """
        import signal, threading
        from concurrent.futures import Future
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        from speciarl_verl.plugin.watchdog import Part, Watchdog, interrupter
        gone = Future()
        gone.set_result("its process is gone")
        Watchdog([Part("worker", lambda: gone)], interrupter(), print, left_alone_s=0.5, ending_s=600).start()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("interrupted")
        """
    )
    assert output.splitlines()[-1] == "interrupted"


def test_a_run_that_ends_by_itself_is_not_interrupted() -> None:
    interrupted, left = Event(), Event()
    dog = watchdog(DEAD, interrupt=interrupted.set, leave=lambda _: left.set(), left_alone_s=60, ending_s=0.01)
    dog.start()
    assert dog.death(patience_s=30) is not None
    dog.close()
    assert left.wait(60), "its way out may hang on the dead part"
    assert not interrupted.is_set()


def test_a_run_that_ended_well_leaves_nothing_watching() -> None:
    left = Event()
    dog = watchdog(WELL, leave=lambda _: left.set(), ending_s=0.01)
    dog.start()
    dog.close()
    dog._thread.join(60)
    assert not dog._thread.is_alive()
    assert not left.is_set()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(DIED, "its worker process has died (pid 4242, ip 10.0.0.7)", id="process"),
        pytest.param("The actor is dead because its node has died. More.", "its node has died", id="node"),
        pytest.param("Connection refused\nmore", "Connection refused", id="another error"),
    ],
)
def test_reason_is_one_sentence(text: str, said: str) -> None:
    assert reason(RuntimeError(text)) == said


def test_a_question_is_asked_again_only_when_the_last_is_answered() -> None:
    asked: list[Future[str | None]] = []

    def ask() -> "Future[str | None]":
        asked.append(Future())
        return asked[-1]

    dog = watchdog(Part("training worker 0", ask))
    look: Callable[[], object] = dog._look
    for _ in range(3):
        look()
    assert len(asked) == 1
    asked[0].set_result(None)
    look()
    assert len(asked) == 2
