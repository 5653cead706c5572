"""Puts the CPU platform in force; imported by the plugin in a process where `VERL_PLATFORM=cpu`."""

from verl.plugin.platform import PlatformRegistry
from wrapt import register_post_import_hook

from speciarl_verl.platform_cpu import verl_adaptations, vllm_distribution
from speciarl_verl.platform_cpu.platform import PlatformCPU

PlatformRegistry.register(platform="cpu")(PlatformCPU)
vllm_distribution.install()
register_post_import_hook(verl_adaptations.gloo_process_group, "verl.utils.distributed")
register_post_import_hook(verl_adaptations.fsdp_engines, "verl.workers.engine.fsdp.transformer_impl")
register_post_import_hook(verl_adaptations.unpinned_reference_offload, "verl.workers.engine.fsdp.transformer_impl")
