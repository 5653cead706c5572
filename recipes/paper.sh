#!/usr/bin/env bash
# Every experiment of the paper by name: prepares its sets, trains, evaluates. The runs stand in recipes/paper/runs.yaml.
#
#   recipes/paper.sh list                  each run, what it needs, what was published
#   recipes/paper.sh NAME --data DIR --judge-url URL [--evaluation-judge-url URL] [--out DIR] [--dry-run] [-- OVERRIDE...]
#   recipes/paper.sh table DIR             what was run beside what was published
#
# `paper.sh NAME --help` tells all flags. DIR holds one folder a set (cub, flowers102, food101, oxford_pets,
# stanford_cars, fgvc_aircraft) with what its publisher ships; --dry-run prints every command.
set -euo pipefail
export PYTHONPATH=$(cd "$(dirname "$0")/.." && pwd)${PYTHONPATH:+:$PYTHONPATH}
case ${1:-} in
  list | --list) set -- list ;;
  table | --help | -h | '') ;;
  *) set -- run "$@" ;;
esac
export PYTHON=${PYTHON:-python}
exec "$PYTHON" -m recipes.paper "$@"
