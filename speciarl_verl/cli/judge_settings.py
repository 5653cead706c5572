"""What the flags that choose a judge mean as a configuration."""

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from speciarl_verl.errors import InputError
from speciarl_verl.judge.judge_config import JudgeConfig

_OWN_FLAGS = {"name": "--judge", "url": "--judge-url"}


def judge_config(name: str, url: str | None = None, settings: Sequence[str] | None = None) -> JudgeConfig:
    """The judge that the flags describe.

    Args:
        name: which kind of judge (`--judge`).
        url: where its server is (`--judge-url`); only for judges that have one.
        settings: `KEY=VALUE` each (`--judge-set`), the value as YAML writes it; a dot reaches into a nested key.

    Raises:
        InputError: one line that names the flag and what it takes.
    """
    kind = _kinds().get(name)
    if kind is None:
        raise InputError(f"--judge {name}: no such judge; there are {', '.join(_kinds())}")
    values: dict[str, Any] = {"name": name}
    if url is not None:
        if "url" not in kind.model_fields:
            raise InputError(f"--judge-url: the {name} judge has no server; drop the flag, or choose --judge server")
        values["url"] = url
    known = [key for key in _keys(kind) if key not in _OWN_FLAGS]
    for setting in settings or ():
        _insert(values, setting, name, known)
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise InputError(_first_fault(error)) from None


def _kinds() -> dict[str, Any]:
    union = get_args(JudgeConfig)[0]
    return {kind.model_fields["name"].default: kind for kind in get_args(union)}


_OF_TRAININGS = frozenset({"audit"})


def _keys(kind: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for key, field in kind.model_fields.items():
        if key in _OF_TRAININGS:
            continue
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _keys(field.annotation, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def _insert(values: dict[str, Any], setting: str, name: str, known: Sequence[str]) -> None:
    # The value stays out of every message: someone may have put a secret there.
    import yaml

    key, equals, text = setting.partition("=")
    if not equals:
        raise InputError("--judge-set takes KEY=VALUE, such as prompt=binary; this one has no equals sign")
    if key in _OWN_FLAGS:
        raise InputError(f"--judge-set {key}=: it has a flag of its own, {_OWN_FLAGS[key]}")
    if key not in known:
        raise InputError(f"--judge-set {key}=: the {name} judge has no such key; it has {', '.join(known)}")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise InputError(f"--judge-set {key}=: the value is not valid YAML; put quotes around it") from None
    *outer, last = key.split(".")
    for part in outer:
        values = values.setdefault(part, {})
    if last in values:
        raise InputError(f"--judge-set {key}=: given twice; keep one")
    values[last] = value


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in fault["loc"])
    flag = _OWN_FLAGS.get(place, f"--judge-set {place}=" if place else "--judge-set")
    return f"{flag}: {fault['msg'].removeprefix('Value error, ')}"
