"""The user's own functions, named in the configuration as `package.module:function`."""

import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

from speciarl_verl.errors import ConfigError

FUNCTION_PATH = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$"
"""What such a name looks like."""


def named_function(path: str, key: str, *arguments: str) -> Callable[..., Any]:
    """Import a function.

    Args:
        key: where the name stands, for messages.
        arguments: what it will be called with, by position; not looked at when none are named.

    Raises:
        ConfigError: nothing callable is there, its module cannot be imported, or it takes other arguments.
    """
    place = f"{key}={path}"
    try:
        function = pkgutil.resolve_name(path)
    except AttributeError:
        raise ConfigError(f"{place}: the module has no such function") from None
    except Exception as error:  # whatever the user's module does when it is imported
        raise ConfigError(
            f"{place}: cannot be imported ({type(error).__name__}: {error}): install its package in this environment"
        ) from error
    if not callable(function):
        raise ConfigError(f"{place}: is no function ({type(function).__name__})")
    if arguments:
        require_arguments(function, place, *arguments)
    return function


def require_arguments(function: Callable[..., Any], place: str, *arguments: str) -> None:
    """Prove that something can be called with these arguments, without calling it.

    Raises:
        ConfigError: it takes others.
    """
    try:
        signature = inspect.signature(function)
    except ValueError:  # written in C: what it takes is seen when it is called
        return
    try:
        signature.bind(*arguments)
    except TypeError as error:
        raise ConfigError(f"{place}: must take ({', '.join(arguments)}) and takes {signature}: {error}") from None
