#!/usr/bin/env bash
# The whole method on a CPU in minutes: a small bird world, a tiny Qwen2.5-VL that hedges, GRPO with the dynamic reward
# through verl and vLLM, and a table of what it learnt. Each stage is skipped when its output is there.
#
#   bash recipes/quickstart.sh [--fresh] [--seed N] [--steps N] [--reward NAME]
#
# Writes outputs/quickstart/report.json and report.png, what `speciarl report` tells of the training, and what `speciarl
# evaluate` writes before and after it: report.md, plots/, browser.html. --fresh starts over; --reward binary is the
# contrast: it learns to guess.
set -euo pipefail
cd "$(dirname "$0")/.."

refuse() { echo "quickstart.sh: $1" >&2; exit 2; }
rewards=(speciarl_verl/config/speciarl/reward/*.yaml)
rewards=("${rewards[@]##*/}")
rewards=("${rewards[@]%.yaml}")
seed=0 reward=dynamic steps=30 fresh=''
while (($#)); do
  case $1 in
    --seed | --reward | --steps) (($# > 1)) || refuse "$1 needs a value"; printf -v "${1#--}" %s "$2"; shift 2 ;;
    --fresh) fresh=1; shift ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; echo "--reward ${rewards[*]}"; exit 0 ;;
    *) refuse "unknown argument $1 (see --help)" ;;
  esac
done
[[ $seed =~ ^[0-9]+$ && $steps =~ ^[1-9][0-9]*$ ]] || refuse "--seed and --steps take numbers"
# Before it becomes part of a path that --fresh removes, and not after minutes of warm-up.
[[ " ${rewards[*]} " == *" $reward "* ]] || refuse "--reward $reward: choose one of ${rewards[*]}"

world=outputs/quickstart/seed$seed
run=outputs/quickstart/$reward-seed$seed
[[ -z $fresh ]] || rm -rf "$world" "$run"
mkdir -p "$world" "$run"

bash recipes/setup.sh
export PATH=$PWD/.venv/bin:$PATH PYTHON=$PWD/.venv/bin/python
# Each of verl's processes would compile its imports anew; and threads that spin while they wait steal from the others.
unset PYTHONDONTWRITEBYTECODE
export OMP_WAIT_POLICY=passive
# A bar on a terminal, a line now and then in a log.
[[ -t 2 ]] || export TQDM_MININTERVAL=30

stage() { # stage TITLE OUTPUT COMMAND...: runs the command unless its output is there
  local title=$1 output=$2 before=$SECONDS
  shift 2
  if [[ -e $output ]]; then
    echo "== $title: done before ($output)"
    return
  fi
  echo "== $title"
  "$@"
  [[ -e $output ]] || { echo "quickstart.sh: stage '$title' left no $output" >&2; exit 1; }
  echo "   $((SECONDS - before)) s"
}

train() { # a line a step; verl's full output goes to $run/train/train.log
  recipes/train.sh --train "$world/data/train.parquet" --val "$world/data/val.parquet" --model "$world/warmup" \
    --out "$run/train" --profile cpu --algo grpo --reward "$reward" --taxonomy "$world/birds/taxonomy.json" --seed "$seed" \
    -- "trainer.total_training_steps=$steps" trainer.total_epochs=1000 actor_rollout_ref.actor.kl_loss_coef=0.001
}

evaluate() { # evaluate MODEL OUT: what the model says of the held-out birds, judged and reported by the product
  local model=$1 out=$2
  [[ -e $out.jsonl ]] ||
    python -m recipes.quickstart.evaluate --model "$model" --data "$world/data/test.parquet" --out "$out.jsonl"
  speciarl evaluate --predictions "$out.jsonl" --data "$world/data/test.parquet" --model "$model" --out "$out" \
    --judge taxonomy --judge-set "taxonomy=$world/birds/taxonomy.json"
}

trained=$run/train/checkpoints/global_step_$steps/actor/huggingface
stage "render the birds" "$world/birds" python -m recipes.quickstart.birds --out "$world/birds" --seed "$seed"
stage "prepare the data" "$world/data/manifest.json" \
  python -m data_prep cub --source "$world/birds/CUB_200_2011" --out "$world/data" --val-size 60 --seed "$seed"
stage "warm the policy up" "$world/warmup" python -m recipes.quickstart.warmup --out "$world/warmup" --seed "$seed"
stage "evaluate before" "$world/before/browser.html" evaluate "$world/warmup" "$world/before"
stage "train with the $reward reward: $steps steps of verl on the CPU (a minute of start-up)" "$trained" train
after=$run/after-$steps
stage "evaluate after" "$after/browser.html" evaluate "$trained" "$after"
stage "compare the two" "$after/compare/compare.json" speciarl compare "$world/before" "$after" --out "$after/compare"
echo "== report"
python -m recipes.quickstart.report --before "$world/before" --after "$after" \
  --visibility "$world/birds/visibility.txt" --metrics "$run/train/metrics" --reward "$reward" --seed "$seed" --steps "$steps" --out "$run"
page=$(speciarl report "$run/train")
# The latest run's, whatever its reward and seed.
cp "$run/report.json" "$run/report.png" outputs/quickstart/
echo "== outputs/quickstart/report.json and report.png, in $SECONDS s; of the trained policy:"
printf '   %s\n' "$page (how it was trained)" "$after/report.md" "$after/browser.html (its answers, picture by picture)" "$after/compare/compare.md"
