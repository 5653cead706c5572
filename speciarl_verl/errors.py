"""What can go wrong by no fault of this package. The commands turn these, and nothing else, into one line and exit 2.

Whatever else is raised is a bug of ours and shows its traceback.
"""


class SpeciaRLError(Exception):
    """One line that names the thing and the cure.

    >>> try:
    ...     build_judge(TaxonomyJudgeConfig(taxonomy="no-such"))
    ... except SpeciaRLError as error:
    ...     print(error)
    speciarl.judge.taxonomy 'no-such' is neither a file nor shipped (cub)
    """


class InputError(SpeciaRLError):
    """A flag, a file or a value that somebody gave cannot be used."""


class ConfigError(InputError):
    """The configuration of a run cannot work; names the key."""


class DataContractError(InputError):
    """A parquet cannot be trained or evaluated on; names the file and the place in it."""


class StopRunError(SpeciaRLError):
    """A training must end with this message: what would be trained on is not there, or not to be trusted."""


class JudgeError(StopRunError):
    """The judge gave no verdict. It ends the run with its message; it never becomes a reward.

    >>> try:
    ...     judge_pairs([Pair("robin", "Spitfire")], build_judge(TaxonomyJudgeConfig()))
    ... except JudgeError as error:
    ...     print(str(error)[:54])
    taxonomy cub does not know the ground truth 'Spitfire'
    """


class RuleError(StopRunError):
    """The reward rule gave no rewards that could be trained on. It ends the run with its message."""


class CacheError(SpeciaRLError):
    """The judge's cache could not be opened, read or written."""


class GroupError(SpeciaRLError):
    """A group of rollouts cannot be rewarded; says which one and why."""


class EvaluationError(SpeciaRLError):
    """An evaluation cannot go on; what was done is kept."""
