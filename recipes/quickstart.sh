#!/usr/bin/env bash
# The whole method on a CPU in minutes: a small bird world, a tiny Qwen2.5-VL that hedges, GRPO with the dynamic reward
# through verl and vLLM, and a table of what it learnt. Each stage is skipped when its output is there.
#
#   bash recipes/quickstart.sh [--fresh] [--seed N] [--reward dynamic|binary|graded-1|graded-2|graded-3] [--steps N]
set -euo pipefail
cd "$(dirname "$0")/.."

refuse() { echo "quickstart.sh: $1" >&2; exit 2; }
seed=0 reward=dynamic steps=20 fresh=''
while (($#)); do
  case $1 in
    --seed | --reward | --steps) (($# > 1)) || refuse "$1 needs a value"; printf -v "${1#--}" %s "$2"; shift 2 ;;
    --fresh) fresh=1; shift ;;
    -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) refuse "unknown argument $1 (see --help)" ;;
  esac
done
[[ $seed =~ ^[0-9]+$ && $steps =~ ^[1-9][0-9]*$ ]] || refuse "--seed and --steps take numbers"

# The default run's report is outputs/quickstart/report.json; other seeds and rewards get folders of their own.
root=outputs/quickstart
name=$reward-seed$seed
[[ $seed == 0 ]] || root+=-seed$seed
run=$root
[[ $reward == dynamic ]] || run=$root/$reward
[[ -z $fresh ]] || rm -rf "$root"
mkdir -p "$run"
log=$run/quickstart.log

bash recipes/setup.sh
export PATH=$PWD/.venv/bin:$PATH PYTHON=$PWD/.venv/bin/python
unset PYTHONDONTWRITEBYTECODE
started=$SECONDS

stage() { # stage TITLE OUTPUT COMMAND...: runs the command unless the output is there
  local title=$1 output=$2 before=$SECONDS; shift 2
  if [[ -e $output ]]; then echo "== $title: there already ($output)"; return; fi
  echo "== $title"
  "$@"
  [[ -e $output ]] || { echo "quickstart.sh: stage '$title' left no $output" >&2; exit 1; }
  echo "   $((SECONDS - before)) s"
}
