#!/usr/bin/env bash
# The study: which reward, which number of rollouts? A hundred trainings of a small world, one after another, the named
# contrasts first; it can be stopped and goes on where it was.
# recipes/study/README.md tells of the world; the results are recipes/study/results.jsonl, the report is RESULTS.md beside.
#
#   bash recipes/study.sh [--plan] [--only ROW]... [--seed N]... [--at-most N]
#   bash recipes/study.sh --report
#
# --plan says what is left and how long it takes; --only 'dynamic*' picks rows; --report makes tables and plots anew.
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in
  -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
bash recipes/setup.sh
export PATH=$PWD/.venv/bin:$PATH
# Each of verl's processes would compile its imports anew; and threads that spin while they wait steal from the others.
unset PYTHONDONTWRITEBYTECODE
export OMP_WAIT_POLICY=passive
if [[ ${1:-} == --report ]]; then
  shift
  exec python -m recipes.study.report "$@"
fi
exec python -m recipes.study.run "$@"
