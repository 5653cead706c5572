import pytest
import torch

from speciarl_verl.platform_cpu.platform import CpuDevice, PlatformCPU


def test_it_is_never_chosen_by_detection() -> None:
    assert not PlatformCPU().is_platform_available()
    assert PlatformCPU().is_available()


def test_tensors_can_be_moved_to_what_it_calls_the_current_device() -> None:
    platform = PlatformCPU()
    assert torch.ones(1).to(platform.current_device()).device == torch.device("cpu")
    assert (platform.device_name, platform.device_count(), platform.communication_backend_name()) == ("cpu", 1, "gloo")


def test_a_state_of_chance_comes_back() -> None:
    device = CpuDevice()
    state = device.get_rng_state()
    first = torch.rand(3)
    device.set_rng_state(state)
    assert torch.equal(torch.rand(3), first)
    device.manual_seed(5)
    again = torch.rand(3)
    PlatformCPU().manual_seed_all(5)
    assert torch.equal(torch.rand(3), again)


def test_memory_is_the_machines_and_this_processs() -> None:
    device = CpuDevice()
    free, total = device.mem_get_info()
    assert 0 < device.memory_allocated() < total
    assert 0 < free <= total
    with pytest.raises(AttributeError):
        device.no_such_thing  # noqa: B018
