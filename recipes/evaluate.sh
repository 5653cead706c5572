#!/usr/bin/env bash
# Evaluate a model over the paper's five test sets (those of them that are there): predict, judge, report.
#
#   recipes/evaluate.sh --model Qwen/Qwen2.5-VL-7B-Instruct --adapter outputs/cub/checkpoints/global_step_165 \
#       --out outputs/evaluation/cub --judge server --judge-url http://judge:30000
#
# DATA (default: data) holds flowers102/test.parquet, food101/..., oxford_pets/..., stanford_cars/... and fgvc_aircraft/...
# as `python -m data_prep` writes them. --data FILE instead takes your own; every other flag is of `speciarl evaluate`
# (--help lists them). The same command resumes.
set -euo pipefail

python=${PYTHON:-python}
FILES=()
if [[ " $* " != *" --data "* && " $* " != *" --data="* && " $* " != *" --help "* ]]; then
  for set in flowers102 food101 oxford_pets stanford_cars fgvc_aircraft; do
    file=${DATA:-data}/$set/test.parquet
    if [[ -f $file ]]; then FILES+=(--data "$file"); else echo "evaluate.sh: $file is not there: left out" >&2; fi
  done
fi
exec "$python" -m speciarl_verl.cli evaluate ${FILES[@]+"${FILES[@]}"} "$@"
