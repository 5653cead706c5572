"""Whether what is installed is what this package was written against: the pins of its own metadata."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from speciarl_verl.platform_cpu import cpu_selected
from speciarl_verl.preflight.examination import Finding

_OURS = "speciarl_verl"


def compare_versions() -> Finding:
    """Every distribution that a training needs, in its pinned version; named are those that are missing or others."""
    extra = "cpu" if cpu_selected() else "gpu"
    pinned = list(_pinned(extra))
    faults = [fault for requirement in pinned if (fault := _fault(requirement))]
    if faults:
        setup = "bash recipes/setup.sh" + ("" if extra == "cpu" else " --gpu")
        return Finding(False, f"versions: {', '.join(faults)}: {setup}, or pip install '.[{extra}]'")
    told = ", ".join(
        f"{requirement.name} {version(requirement.name)}" for requirement in pinned if _is_exact(requirement)
    )
    return Finding(True, f"versions as pinned: {told}, and {sum(not _is_exact(one) for one in pinned)} others")


def _pinned(*extras: str) -> Iterator[Requirement]:
    """What these extras add to what is always needed, and the extras within them."""
    for text in requires(_OURS) or ():
        requirement = Requirement(text)
        wanted = [requirement.marker is None, *(_asks(requirement, extra) for extra in extras)]
        if not any(wanted):
            continue
        if canonicalize_name(requirement.name) == canonicalize_name(_OURS):
            yield from (one for one in _pinned(*sorted(requirement.extras)) if one.marker is not None)
        else:
            yield requirement


def _asks(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is not None and requirement.marker.evaluate({"extra": extra})


def _fault(requirement: Requirement) -> str | None:
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return f"{requirement.name} is missing ({requirement.specifier or 'any version'})"
    if requirement.specifier.contains(found, prereleases=True):
        return None
    return f"{requirement.name} {found} (not {requirement.specifier})"


def _is_exact(requirement: Requirement) -> bool:
    return any(clause.operator == "==" for clause in requirement.specifier)
