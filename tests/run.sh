#!/usr/bin/env bash
# The project's tests, set-up included. tests/README.md tells what is in which tier.
#   bash tests/run.sh            the default: lint, types, the unit suite on both cores, one training an algorithm, one judge
#                                server each
#   bash tests/run.sh --quick    without the trainings and the servers
#   bash tests/run.sh --full     every training, server and recipe
#   bash tests/run.sh --drills   kills and repetitions, and nothing else
#   bash tests/run.sh --coverage branch coverage of the unit suite, by folder
#   bash tests/run.sh ARG...     set-up, then pytest ARG...
set -euo pipefail
cd "$(dirname "$0")/.."
bash tests/debian.sh
bash recipes/setup.sh
export PATH=$PWD/.venv/bin:$PATH
# Fresh processes would compile their imports anew; and threads that spin while they wait steal from the others.
unset PYTHONDONTWRITEBYTECODE
export OMP_WAIT_POLICY=passive
unit=(pytest -n 2 --dist worksteal -m "not e2e and not servers and not full and not drill")
case ${1:-} in
  '' | --quick | --full) ;;
  --drills) exec pytest -m drill ;;
  --coverage)
    "${unit[@]}" --cov=speciarl_verl --cov=data_prep --cov-branch --cov-report=json:build/coverage.json
    exec python -m tests.coverage_by_folder build/coverage.json
    ;;
  *) exec pytest "$@" ;;
esac
ruff check .
ruff format --check .
mypy
"${unit[@]}"
case ${1:-} in
  --quick) ;;
  --full) pytest -m "(e2e or servers or full) and not drill" ;;
  *) pytest -m "(e2e or servers) and not drill and not full" ;;
esac
