"""What ends a stage of an evaluation: one line for people, exit status 2."""


class EvaluationError(RuntimeError):
    """The evaluation cannot go on; the message is one line that names the thing and the cure. What was done is kept."""
