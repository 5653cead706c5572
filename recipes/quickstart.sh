#!/usr/bin/env bash
# The whole method on a CPU in minutes: a small bird world, a tiny Qwen2.5-VL that hedges, GRPO with the dynamic reward
# through verl and vLLM, and a table of what it learnt. Each stage is skipped when its output is there.
#
#   bash recipes/quickstart.sh [--fresh] [--seed N] [--steps N] [--reward NAME] [--judge taxonomy|sglang]
#
# Writes outputs/quickstart/report.json and report.png, what `speciarl report` tells of the training, and what `speciarl
# evaluate` writes before and after it: report.md, plots/, browser.html. --fresh starts over; --reward binary is the
# contrast: it learns to guess.
# --judge sglang is the whole design: a small language model learns the taxonomy, SGLang serves it, and it judges the
# training; the report tells how well it judges and what its errors cost.
set -euo pipefail
cd "$(dirname "$0")/.."

refuse() { echo "quickstart.sh: $1" >&2; exit 2; }
rewards=(speciarl_verl/config/speciarl/reward/*.yaml)
rewards=("${rewards[@]##*/}")
rewards=("${rewards[@]%.yaml}")
seed=0 reward=dynamic steps=30 judge=taxonomy fresh=''
while (($#)); do
  case $1 in
    --seed | --reward | --steps | --judge) (($# > 1)) || refuse "$1 needs a value"; printf -v "${1#--}" %s "$2"; shift 2 ;;
    --fresh) fresh=1; shift ;;
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0"; echo "--reward ${rewards[*]}"; exit 0 ;;
    *) refuse "unknown argument $1 (see --help)" ;;
  esac
done
[[ $seed =~ ^[0-9]+$ && $steps =~ ^[1-9][0-9]*$ ]] || refuse "--seed and --steps take numbers"
# Before it becomes part of a path that --fresh removes, and not after minutes of warm-up.
[[ " ${rewards[*]} " == *" $reward "* ]] || refuse "--reward $reward: choose one of ${rewards[*]}"
[[ $judge == taxonomy || $judge == sglang ]] || refuse "--judge $judge: choose one of taxonomy sglang"

world=outputs/quickstart/seed$seed
by_taxonomy=outputs/quickstart/$reward-seed$seed
run=$by_taxonomy
[[ $judge == taxonomy ]] || run=outputs/quickstart/$reward-$judge-seed$seed
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

# The learned judge decides on everything, equal names too. Its cache goes with it: the next one at its path is another.
JUDGE_KEYS=("prompt='$PWD/recipes/quickstart/judge.txt'" output=letter fast_path=false
  "cache='$PWD/$world/judge/verdicts.sqlite'")
JUDGE_SET=()
for key in "${JUDGE_KEYS[@]}"; do JUDGE_SET+=(--judge-set "$key"); done
judge_url=''
serve() { # the learned judge, by SGLang, until the script ends; sets judge_url
  [[ -z $judge_url ]] || return 0
  local port
  port=$(python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  mkdir -p "$run/judge"
  : >"$run/judge/flags"
  bash recipes/serve_judge.sh --device cpu --model "$world/judge" --port "$port" --log-dir "$run/judge" -- --dtype float32 \
    >"$run/judge/flags" &
  server=$!
  trap 'kill "$server" 2>/dev/null && wait "$server" || true' EXIT
  until [[ -s $run/judge/flags ]]; do
    kill -0 "$server" 2>/dev/null || { echo "quickstart.sh: the judge's server ended; its log is in $run/judge" >&2; exit 1; }
    sleep 1
  done
  judge_url=http://127.0.0.1:$port
}
calibrate() { # on the pairs that it has not learnt from
  serve
  speciarl judge calibrate --judge-url "$judge_url" "${JUDGE_SET[@]}" --gold "$world/judge/gold.jsonl" --out "$world/calibration"
}

train() { # a line a step; verl's full output goes to $run/train/train.log
  local JUDGE=(--taxonomy "$world/birds/taxonomy.json") KEYS=()
  if [[ $judge == sglang ]]; then
    serve
    # A step has 128 verdicts: a hundredth of them would tell nothing, and the taxonomy costs nothing.
    KEYS=("${JUDGE_KEYS[@]}" audit.share=0.1 "audit.taxonomy='$PWD/$world/birds/taxonomy.json'")
    JUDGE=(--judge server --judge-url "$judge_url") KEYS=("${KEYS[@]/#/speciarl.judge.}")
  fi
  recipes/train.sh --train "$world/data/train.parquet" --val "$world/data/val.parquet" --model "$world/warmup" \
    --out "$run/train" --profile cpu --algo grpo --reward "$reward" "${JUDGE[@]}" --seed "$seed" \
    -- ${KEYS[@]+"${KEYS[@]}"} "trainer.total_training_steps=$steps" trainer.total_epochs=1000 \
    actor_rollout_ref.actor.kl_loss_coef=0.001
}

evaluate() { # evaluate MODEL OUT: what the model says of the held-out birds, judged and reported by the product
  local model=$1 out=$2
  [[ -e $out.jsonl ]] ||
    python -m recipes.quickstart.evaluate --model "$model" --data "$world/data/test.parquet" --out "$out.jsonl"
  speciarl evaluate --predictions "$out.jsonl" --data "$world/data/test.parquet" --model "$model" --out "$out" \
    --judge taxonomy --judge-set "taxonomy=$world/birds/taxonomy.json"
}
judge_again() { # judge_again MODEL OUT: the same answers, by the learned judge
  serve
  speciarl evaluate --predictions "$2.jsonl" --data "$world/data/test.parquet" --model "$1" --out "$2-by-judge" \
    --judge server --judge-url "$judge_url" "${JUDGE_SET[@]}"
}

trained=$run/train/checkpoints/global_step_$steps/actor/huggingface
stage "render the birds" "$world/birds" python -m recipes.quickstart.birds --out "$world/birds" --seed "$seed"
stage "prepare the data" "$world/data/manifest.json" \
  python -m data_prep cub --source "$world/birds/CUB_200_2011" --out "$world/data" --val-size 60 --seed "$seed"
stage "warm the policy up" "$world/warmup" python -m recipes.quickstart.warmup --out "$world/warmup" --seed "$seed"
stage "evaluate before" "$world/before/browser.html" evaluate "$world/warmup" "$world/before"
if [[ $judge == sglang ]]; then
  stage "teach a judge the taxonomy" "$world/judge" \
    python -m recipes.quickstart.judge_training --taxonomy "$world/birds/taxonomy.json" --out "$world/judge" --seed "$seed"
  stage "serve it with SGLang, and measure it" "$world/calibration/calibration.json" calibrate
  stage "judge the answers before" "$world/before-by-judge/browser.html" judge_again "$world/warmup" "$world/before"
fi
stage "train with the $reward reward: $steps steps of verl on the CPU (a minute of start-up)" "$trained" train
after=$run/after-$steps
stage "evaluate after" "$after/browser.html" evaluate "$trained" "$after"
stage "compare the two" "$after/compare/compare.json" speciarl compare "$world/before" "$after" --out "$after/compare"
[[ $judge == taxonomy ]] || stage "judge the answers after" "$after-by-judge/browser.html" judge_again "$trained" "$after"
echo "== report"
python -m recipes.quickstart.report --before "$world/before" --after "$after" \
  --visibility "$world/birds/visibility.txt" --metrics "$run/train/metrics" --reward "$reward" --seed "$seed" --steps "$steps" --out "$run"
if [[ $judge == sglang ]]; then
  echo
  python -m recipes.quickstart.judge_report --world "$world" --run "$run" --after "$after" --reward "$reward" \
    --rival "$by_taxonomy/after-$steps" --command "bash recipes/quickstart.sh --reward $reward --seed $seed --steps $steps"
  cp "$run/judge.json" outputs/quickstart/
fi
page=$(speciarl report "$run/train")
# The latest run's, whatever its reward and seed.
cp "$run/report.json" "$run/report.png" outputs/quickstart/
echo "== outputs/quickstart/report.json and report.png, in $SECONDS s; of the trained policy:"
printf '   %s\n' "$page (how it was trained)" "$after/report.md" "$after/browser.html (its answers, picture by picture)" "$after/compare/compare.md"
