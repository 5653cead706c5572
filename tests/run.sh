#!/usr/bin/env bash
# All of the project's tests, set-up included: lint, types, the suite on both cores, then the trainings and the real judge
# servers one by one.
#   bash tests/run.sh            everything
#   bash tests/run.sh --quick    without the trainings and the servers
#   bash tests/run.sh ARG...     set-up, then pytest ARG...
set -euo pipefail
cd "$(dirname "$0")/.."
bash tests/debian.sh
bash recipes/setup.sh
export PATH=$PWD/.venv/bin:$PATH
# Fresh processes would compile their imports anew; and threads that spin while they wait steal from the others.
unset PYTHONDONTWRITEBYTECODE
export OMP_WAIT_POLICY=passive
if (($#)) && [[ $1 != --quick ]]; then exec pytest "$@"; fi
ruff check .
ruff format --check .
mypy
pytest -n 2 --dist worksteal -m "not e2e and not servers"
[[ ${1:-} == --quick ]] || pytest -m "e2e or servers"
