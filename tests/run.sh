#!/usr/bin/env bash
# All of the project's tests, set-up included. `tests/run.sh -m "not e2e"` leaves out the trainings.
set -euo pipefail
cd "$(dirname "$0")/.."
bash recipes/setup.sh
export PATH=$PWD/.venv/bin:$PATH
ruff check .
ruff format --check .
mypy
pytest "$@"
