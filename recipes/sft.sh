#!/usr/bin/env bash
# Supervised fine-tuning on the labels with verl's own SFT trainer: the baseline of the paper's table, settings ours.
#
#   recipes/sft.sh --train train.parquet --model Qwen/Qwen2.5-VL-7B-Instruct --out outputs/sft
#   speciarl evaluate ... --adapter outputs/sft/checkpoints      evaluates it as any other training
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: recipes/sft.sh --train FILE --model PATH --out DIR [flags] [-- HYDRA_OVERRIDE...]

  --train FILE, --val FILE   parquet from python -m data_prep; --val adds the loss on it after each epoch
  --model PATH               folder or hub id of a vision-language model
  --out DIR                  checkpoints, metrics and the log go here; the same DIR resumes
  --thinking RUN             targets with the policy's own thinking: the folder of a judged run of it on the same pictures,
                             as of speciarl evaluate --data FILE --samples 8 --temperature 1; pictures of which no answer
                             was S or S+ are left out, and counted. Without it a target is the answer alone.
  --prompt NAME|FILE         of speciarl_verl/prompts/, or your .txt   (train; profile cpu: short)
  --epochs N                                                       (3)
  --lora-rank N              0 trains all parameters               (64; profile cpu: 0)
  --profile  cpu | gpu | gpu-sdpa (without flash-attn)             (gpu)
  --gpus N                   processes, one a GPU                  (4; profile cpu: 1)
  --seed N                                                         (42)
  --dry-run                  print the command and the composed configuration, start nothing
TEXT
}
refuse() { echo "sft.sh: $1" >&2; exit 2; }

profile=gpu seed=42 train='' val='' model='' out='' thinking='' prompt='' epochs='' lora_rank='' gpus='' dry_run=''
while (($#)); do
  case $1 in
    --train | --val | --model | --out | --thinking | --prompt | --epochs | --lora-rank | --profile | --gpus | --seed)
      (($# > 1)) || refuse "$1 needs a value"
      name=${1#--}
      printf -v "${name//-/_}" %s "$2"
      shift 2
      ;;
    --dry-run) dry_run=1; shift ;;
    -h | --help) usage; exit 0 ;;
    --) shift; break ;;
    *) refuse "unknown argument $1 (see --help; Hydra overrides go after --)" ;;
  esac
done
[[ -f $(dirname "$0")/../speciarl_verl/config/speciarl/sft/$profile.yaml ]] || refuse "--profile $profile: choose one of cpu gpu gpu-sdpa"
for flag in train model out; do [[ -n ${!flag} ]] || refuse "--$flag is missing (see --help)"; done
for flag in train val; do [[ -z ${!flag} || -f ${!flag} ]] || refuse "--$flag ${!flag}: no such file"; done
for flag in epochs gpus; do
  [[ -z ${!flag} || ${!flag} =~ ^[1-9][0-9]*$ ]] || refuse "--$flag ${!flag} is not a number from 1 on"
done
[[ -z $lora_rank || $lora_rank =~ ^[0-9]+$ ]] || refuse "--lora-rank $lora_rank is not a number (0: all parameters)"
[[ $seed =~ ^[0-9]+$ ]] || refuse "--seed $seed is not a number"
if [[ -z $gpus ]]; then if [[ $profile == cpu ]]; then gpus=1; else gpus=4; fi; fi

train=$(realpath "$train") out=$(realpath -m "$out")
[[ -z $val ]] || val=$(realpath "$val")
[[ -z $thinking ]] || thinking=$(realpath -m "$thinking")
[[ -d $model ]] && model=$(realpath "$model")
[[ -f $prompt ]] && prompt=$(realpath "$prompt")

OVERRIDES=('hydra.searchpath=[pkg://speciarl_verl.config]' "+speciarl/sft=$profile" "data.train_files='$train'"
  "model.path='$model'" "engine.seed=$seed" "trainer.seed=$seed" "trainer.n_gpus_per_node=$gpus"
  "trainer.default_local_dir='$out/checkpoints'" "trainer.experiment_name='$(basename "$out")'" "hydra.run.dir='$out/hydra'")
if [[ -n $val ]]; then OVERRIDES+=("data.val_files='$val'"); else OVERRIDES+=(trainer.test_freq=-1); fi
[[ -z $thinking ]] || OVERRIDES+=("data.speciarl.thinking='$thinking'")
[[ -z $prompt ]] || OVERRIDES+=("data.speciarl.prompt='$prompt'")
[[ -z $epochs ]] || OVERRIDES+=("trainer.total_epochs=$epochs")
# A LoRA run keeps its adapter, one of all parameters a model that loads as it is.
kept=model,optimizer,extra
[[ $lora_rank != 0 ]] || kept+=,hf_model
[[ -z $lora_rank ]] || OVERRIDES+=("model.lora_rank=$lora_rank" "checkpoint.save_contents=[$kept]")
OVERRIDES+=("$@")

python=${PYTHON:-python}
if [[ $profile == cpu ]]; then
  export VERL_PLATFORM=cpu OMP_WAIT_POLICY=passive
  unset PYTHONDONTWRITEBYTECODE
fi
command=("$python" -m torch.distributed.run --standalone --nproc_per_node "$gpus" -m verl.trainer.sft_trainer "${OVERRIDES[@]}")
if [[ -n $dry_run ]]; then
  "$python" -m speciarl_verl.cli preflight --sft --show "${OVERRIDES[@]}"
  printf '%q ' "${command[@]}"
  echo
  exit 0
fi
"$python" -m speciarl_verl.cli preflight --sft "${OVERRIDES[@]}"
mkdir -p "$out/metrics"
# verl's file logger overwrites: a resumed run gets a file of its own.
export VERL_FILE_LOGGER_PATH="$out/metrics/$(date -u +%Y%m%dT%H%M%SZ).jsonl"
exec "${command[@]}"
