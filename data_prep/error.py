"""The one exception of data_prep: an input that a person has to put right."""

from speciarl_verl.errors import InputError


class DataPrepError(InputError):
    """One line that names the file (or flag) and the cure; the command line prints it and exits with status 2."""
