#!/usr/bin/env bash
# Train a vision-language model with the specificity reward: picks presets by flags, checks the run, starts stock verl.
#
#   recipes/train.sh --train train.parquet --val val.parquet --model Qwen/Qwen2.5-VL-7B-Instruct --out outputs/run \
#       --algo grpo --reward dynamic --judge server --judge-url http://judge:30000 -- trainer.total_epochs=5
set -euo pipefail
here=$(dirname "$0")

presets() { # presets GROUP: the names of its YAML files
  local file names=()
  for file in "$here/../speciarl_verl/config/speciarl/$1"/*.yaml; do names+=("$(basename "$file" .yaml)"); done
  echo "${names[*]}"
}
usage() {
  cat <<TEXT
usage: recipes/train.sh --train FILE --val FILE --model PATH --out DIR [flags] [-- HYDRA_OVERRIDE...]

  --train FILE, --val FILE   parquet from python -m data_prep
  --model PATH               folder or hub id of a vision-language model
  --out DIR                  checkpoints, metrics, judged rollouts and the log go here; the same DIR resumes
  --algo     $(presets algo)   (grpo)
  --reward   $(presets reward)   (dynamic)
  --reward-mode all | single (only the first of the best earns 1)  (all)
  --reliability T            of --reward dynamic: what G and S- below the bar earn, 0 <= T < 1            (0)
  --support K|SHARE          of --reward dynamic: how many of a group (3), or which part (0.3), set its bar   (1)
  --judge-noise P            moves this part of the verdicts one step, 0 <= P <= 1                        (0)
  --answer   strict | paper (the release's extraction)             (strict)
  --prompt NAME|FILE         of speciarl_verl/prompts/, or your .txt   (train; profile cpu: short)
  --rollouts N               answers a picture                     (10; profile cpu: 8)
  --epochs N                                                       (15)
  --lora-rank N              0 trains all parameters               (64; profile cpu: 0)
  --judge    $(presets judge)   (taxonomy)
             hosted: by verl, in this run; custom: your own, -- speciarl.judge.factory=package.module:function
  --judge-url URL            of the judge server
  --judge-model PATH         folder or hub id of the hosted judge
  --judge-gpus N             of the hosted judge, besides the training's   (2; profile cpu: 1)
  --judge-engine sglang | vllm   of the hosted judge                       (sglang; profile cpu: vllm)
  --taxonomy NAME|FILE       of the taxonomy judge                 (cub)
  --profile  $(presets profile)   (gpu)
  --nnodes N                 machines; above 1, RAY_ADDRESS=HOST:PORT names their Ray cluster (recipes/cluster/)    (1)
  --gpus-per-node N          that each of them trains with         (4; profile cpu: 1)
  --seed N                                                         (42)
  --dry-run                  print the command and the composed configuration, start nothing
TEXT
}
refuse() { echo "train.sh: $1" >&2; exit 2; }

algo=grpo reward=dynamic judge=taxonomy profile=gpu seed=42
train='' val='' model='' out='' judge_url='' judge_model='' judge_gpus='' judge_engine='' taxonomy='' dry_run=''
reward_mode='' reliability='' support='' judge_noise='' answer='' prompt='' rollouts='' epochs='' lora_rank=''
nnodes='' gpus_per_node=''
while (($#)); do
  case $1 in
    --algo | --reward | --judge | --profile | --train | --val | --model | --out | --judge-url | \
      --judge-model | --judge-gpus | --judge-engine | --taxonomy | --seed | --reward-mode | --reliability | --support | \
      --judge-noise | --answer | --prompt | --rollouts | --epochs | --lora-rank | --nnodes | --gpus-per-node)
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

one_of() {
  local flag=$1 value=$2; shift 2
  [[ " $* " == *" $value "* ]] || refuse "--$flag $value: choose one of $*"
}
for flag in algo reward judge profile; do
  read -ra names <<<"$(presets "$flag")"
  one_of "$flag" "${!flag}" "${names[@]}"
done
[[ -z $reward_mode ]] || one_of reward-mode "$reward_mode" all single
[[ -z $answer ]] || one_of answer "$answer" strict paper
for flag in rollouts epochs nnodes gpus_per_node; do
  [[ -z ${!flag} || ${!flag} =~ ^[1-9][0-9]*$ ]] || refuse "--${flag//_/-} ${!flag} is not a number from 1 on"
done
((${nnodes:-1} == 1)) || [[ -n ${RAY_ADDRESS:-} ]] || refuse "--nnodes $nnodes needs a Ray cluster: run \
recipes/cluster/ray_node.sh on each machine, and set RAY_ADDRESS=HOST:PORT of its head"
[[ -z $lora_rank || $lora_rank =~ ^[0-9]+$ ]] || refuse "--lora-rank $lora_rank is not a number (0: all parameters)"
for flag in reliability support judge_noise; do
  [[ -z ${!flag} || ${!flag} =~ ^[0-9]*\.?[0-9]+$ ]] || refuse "--${flag//_/-} ${!flag} is not a number"
done
[[ $seed =~ ^[0-9]+$ ]] || refuse "--seed $seed is not a number"
for flag in train val model out; do [[ -n ${!flag} ]] || refuse "--$flag is missing (see --help)"; done
for flag in train val; do [[ -f ${!flag} ]] || refuse "--$flag ${!flag}: no such file"; done
[[ -z $judge_url || $judge == server ]] || refuse "--judge-url belongs to --judge server"
for flag in judge_model judge_gpus judge_engine; do
  [[ -z ${!flag} || $judge == hosted ]] || refuse "--${flag//_/-} belongs to --judge hosted"
done
[[ -n $judge_model || $judge != hosted ]] || refuse "--judge hosted needs --judge-model"
[[ -z $judge_engine ]] || one_of judge-engine "$judge_engine" sglang vllm
[[ -z $judge_gpus || $judge_gpus =~ ^[1-9][0-9]*$ ]] || refuse "--judge-gpus $judge_gpus is not a number of GPUs"
[[ -z $taxonomy || $judge == taxonomy ]] || refuse "--taxonomy belongs to --judge taxonomy"

# verl works in other directories than this one.
train=$(realpath "$train") val=$(realpath "$val") out=$(realpath -m "$out")
[[ -d $model ]] && model=$(realpath "$model")
[[ -d $judge_model ]] && judge_model=$(realpath "$judge_model")
[[ -f $taxonomy ]] && taxonomy=$(realpath "$taxonomy")
[[ -f $prompt ]] && prompt=$(realpath "$prompt")

start=$(date -u +%Y%m%dT%H%M%SZ)
PRESET=('hydra.searchpath=[pkg://speciarl_verl.config]' +speciarl=train
  "speciarl/algo=$algo" "speciarl/reward=$reward" "speciarl/judge=$judge" "speciarl/profile=$profile" "speciarl.seed=$seed")
DATA=("data.train_files='$train'" "data.val_files='$val'")
MODEL=("actor_rollout_ref.model.path='$model'")
[[ -n $lora_rank ]] && MODEL+=("actor_rollout_ref.model.lora_rank=$lora_rank")
# A LoRA run keeps its adapter; one of all parameters a model that loads as it is, and as its weights are synchronised
# before the first rollout, reading them from disk there too is in vain.
kept=model,optimizer,extra
if [[ $lora_rank == 0 ]]; then
  MODEL+=(actor_rollout_ref.rollout.load_format=dummy)
  kept+=,hf_model
fi
[[ -z $lora_rank ]] || MODEL+=("actor_rollout_ref.actor.checkpoint.save_contents=[$kept]")
VARIANT=()
[[ -n $reward_mode ]] && VARIANT+=("speciarl.reward.mode=$reward_mode")
[[ -n $reliability ]] && VARIANT+=("speciarl.reward.reliability=$reliability")
[[ -n $support ]] && VARIANT+=("speciarl.reward.support=$support")
[[ -n $judge_noise ]] && VARIANT+=("speciarl.reward.judge_noise=$judge_noise")
[[ -n $answer ]] && VARIANT+=("speciarl.answer.mode=$answer")
[[ -n $prompt ]] && VARIANT+=("data.speciarl.prompt='$prompt'")
[[ -n $rollouts ]] && VARIANT+=("actor_rollout_ref.rollout.n=$rollouts")
[[ -n $epochs ]] && VARIANT+=("trainer.total_epochs=$epochs")
JUDGE=()
[[ -n $judge_url ]] && JUDGE+=("speciarl.judge.url='$judge_url'")
[[ -n $judge_model ]] && JUDGE+=("reward.reward_model.model_path='$judge_model'")
[[ -n $judge_gpus ]] && JUDGE+=("reward.reward_model.n_gpus_per_node=$judge_gpus")
[[ -n $judge_engine ]] && JUDGE+=("reward.reward_model.rollout.name=$judge_engine")
[[ -n $taxonomy ]] && JUDGE+=("speciarl.judge.taxonomy='$taxonomy'")
TRAINER=("trainer.default_local_dir='$out/checkpoints'" "trainer.experiment_name='$(basename "$out")'"
  "speciarl.rollouts_dir='$out/rollouts'" "speciarl.judge_account='$out/metrics/$start.judge.json'" "speciarl.stop_file='$out/stop'"
  "hydra.run.dir='$out/hydra'")
# verl's file logger overwrites: a resumed run gets a file of its own.
metrics=$out/metrics/$start.jsonl
RAY=()
[[ -n $nnodes ]] && RAY+=("trainer.nnodes=$nnodes")
[[ -n $gpus_per_node ]] && RAY+=("trainer.n_gpus_per_node=$gpus_per_node")
# recipes/cluster/ray_node.sh asks for the token too.
[[ -z ${RAY_ADDRESS:-} ]] || export RAY_AUTH_MODE=${RAY_AUTH_MODE:-token}
# A cluster that was there before has counted its own, and its processes have not this script's environment.
[[ -n ${RAY_ADDRESS:-} ]] && RAY+=(++ray_kwargs.ray_init.num_cpus=null ++ray_kwargs.ray_init.num_gpus=null
  "++ray_kwargs.ray_init.runtime_env.env_vars.VERL_FILE_LOGGER_PATH='$metrics'")
OVERRIDES=("${PRESET[@]}" "${DATA[@]}" "${MODEL[@]}" ${VARIANT[@]+"${VARIANT[@]}"} ${JUDGE[@]+"${JUDGE[@]}"} "${TRAINER[@]}"
  ${RAY[@]+"${RAY[@]}"} "$@")

python=${PYTHON:-python}
if [[ $profile == cpu ]]; then
  export VERL_PLATFORM=cpu
  # Without cached byte code each of verl's processes compiles its imports anew; threads that spin while they wait steal
  # from the many others.
  unset PYTHONDONTWRITEBYTECODE
  export OMP_WAIT_POLICY=passive
  # What recipes/setup.sh has had vLLM find out about the policy's class.
  known=$("$python" -c 'import sys; print(sys.prefix)')/.cache/vllm
  [[ -n ${VLLM_CACHE_ROOT:-} || ! -d $known ]] || export VLLM_CACHE_ROOT=$known
fi

if [[ -n $dry_run ]]; then
  "$python" -m speciarl_verl.cli preflight --show "${OVERRIDES[@]}"
  printf '%q ' "$python" -m verl.trainer.main_ppo "${OVERRIDES[@]}"
  echo
  exit 0
fi
"$python" -m speciarl_verl.cli preflight "${OVERRIDES[@]}"
# Weights reach the rollouts through a socket that verl names by the training's number in its Ray cluster, and the first
# of every cluster has the same. The trainer holds the lock too, so it lasts as long as either.
alone_on_machine() {
  local lock=${SPECIARL_TRAINING_LOCK:-/tmp/speciarl_verl.training.lock}
  command -v flock >/dev/null || return 0
  # For every user to open, which is all that it takes.
  [[ -e $lock ]] || (umask 022 && : >"$lock")
  exec 9<"$lock"
  ! flock --nonblock 9 || return 0
  echo "train.sh: another training runs on this machine: waiting up to 60 s for its end"
  flock --timeout 60 9 || refuse "another training runs on this machine, and verl takes one at a time, as all have one \
socket (/tmp/rl-colocate-zmq-*.sock): wait for its end, or give this one a machine or a container of its own"
}
[[ -z ${RAY_ADDRESS:-} ]] || "$python" "$here/cluster/one_training.py" --address "$RAY_ADDRESS"
alone_on_machine
mkdir -p "$out/metrics"
export VERL_FILE_LOGGER_PATH=$metrics
log=$out/train.log
touch "$log"
written=$(wc -c <"$log")
# Of an earlier launch.
rm -f "$out/stop"

# A group of processes of its own for the trainer, so that ctrl-C reaches it once, through here.
set -m
forks=''
if [[ $profile == cpu && -z ${RAY_ADDRESS:-} && -d /proc/self/fd ]]; then
  # Its processes start as forks of one that has imported what they need, which lives as long as this script or the trainer.
  forks=$(mktemp -d /tmp/speciarl_verl.XXXXXX)
  exec 4> >(exec "$python" -u -m speciarl_verl.fork_server.forks "$forks" "${OVERRIDES[@]}" >>"$log" 2>&1 9<&-)
  forks_server=$!
  OVERRIDES+=("++ray_kwargs.ray_init.runtime_env.py_executable='/bin/sh $forks/python'")
fi
exec 3> >(exec "$python" -m speciarl_verl.cli follow "$metrics" "$log" --log-offset "$written" 4>&-)
follower=$! trainer='' asked='' signalled=''
pass_on() { # pass_on SIGNAL
  signalled=1
  [[ -n $trainer ]] || exit 130
  kill -"$1" -- "-$trainer" 2>/dev/null || :
}
end_after_step() { # end_after_step SIGNAL: the first asks, the second insists
  [[ -z $asked ]] || { pass_on TERM; return; }
  signalled=1 asked=1
  touch "$out/stop"
  echo "train.sh: $1: the training is asked to end after this step ($out/stop); a second one ends it at once"
}
trap 'end_after_step SIGTERM' TERM
trap 'end_after_step SIGUSR1' USR1
trap 'pass_on INT' INT

# Where this script is killed, the trainer goes too.
tied=()
! command -v setpriv >/dev/null || tied=(setpriv --pdeathsig TERM)
echo "train.sh: verl's output goes to $log"
${tied[@]+"${tied[@]}"} "$python" -m verl.trainer.main_ppo "${OVERRIDES[@]}" >>"$log" 2>&1 3>&- &
trainer=$!
# From here on a status that is not 0 is looked at, and no reason to end.
set +e
while
  signalled=''
  wait "$trainer" 2>/dev/null
  status=$?
  # A trapped signal ends `wait` as well.
  [[ -n $signalled ]]
do :; done
trap '' PIPE
echo "$status" >&3
exec 3>&-
if [[ -n $forks ]]; then
  exec 4>&-
  wait "$forks_server" || :
  rm -rf "$forks"
fi
wait "$follower" || echo "train.sh: the training ended with status $status (see $log)" >&2
exit "$status"
