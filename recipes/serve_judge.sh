#!/usr/bin/env bash
# Serve the judge with SGLang, in its own environment (made when missing); when it answers, say what train.sh needs.
#
#   recipes/serve_judge.sh                                         # Qwen3-30B-A3B in FP8 on two GPUs, for this machine
#   recipes/serve_judge.sh --host 0.0.0.0 --tp 1 --replicas 4      # four servers on four GPUs behind SGLang's router
#   recipes/serve_judge.sh --host 0.0.0.0 --also http://other:30000   # with a server of another machine behind the router
#   recipes/serve_judge.sh --device cpu --model path/of/a/tiny/model
set -euo pipefail
recipes=$(dirname "$(realpath "$0")")

usage() {
  cat <<'TEXT'
usage: recipes/serve_judge.sh [flags] [-- SGLANG_ARG...]

  --model PATH     folder or hub id                      (Qwen/Qwen3-30B-A3B-Instruct-2507-FP8)
  --tp N           GPUs that one copy is split over      (2; 1 on a CPU)
  --dp N           copies within one server              (1)
  --replicas N     servers, behind SGLang's router       (1)
  --also URL       of a server on another machine, behind this one's router; may be given again
  --device cuda | cpu                                    (cuda)
  --host NAME      address to listen on; 0.0.0.0 lets other machines in, without a password   (127.0.0.1)
  --port N         the servers behind a router take the ports after it                        (30000)
  --log-dir DIR    what the servers print                (outputs/judge)
  --dry-run        print the commands, start nothing

Runs until Ctrl-C or TERM, which end all it started. Exit status: 2 bad input, 1 a server died.
TEXT
}
refuse() { echo "serve_judge.sh: $1" >&2; exit 2; }
say() { echo "serve_judge: $1" >&2; }

model=Qwen/Qwen3-30B-A3B-Instruct-2507-FP8 tp='' dp=1 replicas=1 device=cuda host=127.0.0.1 port=30000
log_dir=outputs/judge dry_run='' also='' ALSO=()
while (($#)); do
  case $1 in
    --model | --tp | --dp | --replicas | --also | --device | --host | --port | --log-dir)
      (($# > 1)) && [[ -n $2 && $2 != --* ]] || refuse "$1 needs a value"
      name=${1#--}
      printf -v "${name//-/_}" %s "$2"
      [[ $name != also ]] || ALSO+=("${also%/}")
      shift 2
      ;;
    --dry-run) dry_run=1; shift ;;
    -h | --help) usage; exit 0 ;;
    --) shift; break ;;
    *) refuse "unknown argument $1 (see --help; SGLang's own go after --)" ;;
  esac
done

[[ $device == cuda || $device == cpu ]] || refuse "--device $device: choose one of cuda cpu"
[[ -n $tp ]] || tp=$([[ $device == cpu ]] && echo 1 || echo 2)
for flag in tp dp replicas port; do
  [[ ${!flag} =~ ^[1-9][0-9]{0,4}$ ]] || refuse "--$flag ${!flag} is not a whole number above 0"
done
for url in ${ALSO[@]+"${ALSO[@]}"}; do
  [[ $url =~ ^http://[^/:]+:[0-9]+$ ]] || refuse "--also $url: it must look like http://HOST:PORT"
done
behind_router=$((replicas > 1 || ${#ALSO[@]}))
# Behind a router: its servers, then its metrics.
last_port=$((behind_router ? port + replicas + 1 : port))
((last_port <= 65535)) || refuse "--port $port: ports end at 65535"
[[ $device == cuda ]] || ((tp * dp == 1)) || refuse "--tp and --dp are for GPUs: on a CPU use --replicas"
if [[ $model == [./~]* && ! -f $model/config.json ]]; then refuse "--model $model: no model there (no config.json)"; fi
[[ ! -d $model ]] || model=$(realpath "$model")

if [[ $device == cuda ]]; then
  venv=.venv-judge ENVIRONMENT=()
  # A rubric and a pair have well under 8192 tokens: what a longer context would take goes to the cache.
  DEVICE=(--tp-size "$tp" --dp-size "$dp" --context-length 8192)
else
  # With OpenMP's default number of threads it is ten times slower.
  venv=.venv-judge-cpu ENVIRONMENT=("PYTHONPATH=$recipes/judge_cpu" OMP_NUM_THREADS=1 SGLANG_USE_CPU_ENGINE=1)
  DEVICE=(--device cpu --max-total-tokens 65536)
fi
python=$(dirname "$recipes")/$venv/bin/python
EVIDENCE=(--enable-cache-report --enable-metrics --log-level-http warning)
EXTRA=("$@")

# Each sets COMMAND.
server_command() { # host, port, number of the replica
  COMMAND=(env ${ENVIRONMENT[@]+"${ENVIRONMENT[@]}"} "$python" -m sglang.launch_server --model-path "$model"
    --host "$1" --port "$2" "${DEVICE[@]}" --constrained-json-disable-any-whitespace "${EVIDENCE[@]}")
  [[ $device == cpu ]] || COMMAND+=(--base-gpu-id "$(($3 * tp * dp))")
  COMMAND+=(${EXTRA[@]+"${EXTRA[@]}"})
}
router_command() {
  # All prompts begin alike, so the default policy, by cached prefix, would send nearly all to one server.
  # A dead server's share fails until two of its health checks have.
  COMMAND=("$python" -m sglang_router.launch_router --host "$host" --port "$port" --policy power_of_two
    --log-level warn --worker-startup-check-interval 1
    --health-check-interval-secs 2 --health-failure-threshold 2
    --prometheus-host 127.0.0.1 --prometheus-port "$((port + replicas + 1))" --worker-urls)
  for ((i = 1; i <= replicas; i++)); do COMMAND+=("http://127.0.0.1:$((port + i))"); done
  COMMAND+=(${ALSO[@]+"${ALSO[@]}"})
}

PIDS=() LOGS=()
start() { # name; runs COMMAND in a process group of its own, so that none of its children is missed at the end
  if [[ -n $dry_run ]]; then printf '%q ' "${COMMAND[@]}"; echo; return; fi
  LOGS+=("$log_dir/$1.log")
  setsid "${COMMAND[@]}" >"$log_dir/$1.log" 2>&1 </dev/null &
  PIDS+=($!)
  disown # else bash reports its end as well
}
stop() {
  trap '' HUP INT TERM
  ((${#PIDS[@]})) || return 0
  for pid in "${PIDS[@]}"; do kill -TERM -- "-$pid" 2>/dev/null || true; done
  for ((i = 0; i < 25; i++)); do
    for pid in "${PIDS[@]}"; do kill -0 -- "-$pid" 2>/dev/null && { sleep 0.2; continue 2; }; done
    return 0
  done
  for pid in "${PIDS[@]}"; do kill -KILL -- "-$pid" 2>/dev/null || true; done
}
report_death() { # number of the process, what follows from it
  say "a server died$2; the end of ${LOGS[$1]}:"
  tail -n 15 "${LOGS[$1]}" >&2
}
check_alive() {
  for i in "${!PIDS[@]}"; do
    kill -0 "${PIDS[i]}" 2>/dev/null || { report_death "$i" ''; exit 1; }
  done
}
answers() { # host, port, path
  "$python" -I -S -c 'import http.client as h, sys; c = h.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout=30)
c.request("GET", sys.argv[3]); sys.exit(c.getresponse().status != 200)' "$@" 2>/dev/null
}
wait_for() { # host, port, path
  local start=$SECONDS said=$SECONDS
  until answers "$@"; do
    check_alive
    if ((SECONDS - said >= 10)); then
      said=$SECONDS
      say "waiting for port $2, $((SECONDS - start)) s; $(tail -n 1 "${LOGS[-1]}" | cut -c 1-160)"
    fi
    sleep 1
  done
}
check_gpus() {
  local needed=$((replicas * tp * dp)) found
  found=$(nvidia-smi -L 2>/dev/null | wc -l) || true
  [[ -z ${CUDA_VISIBLE_DEVICES:-} ]] || found=$(tr ',' '\n' <<<"$CUDA_VISIBLE_DEVICES" | wc -l)
  ((found >= needed)) || refuse "replicas x tp x dp takes $needed GPUs, found $found (a tiny model: --device cpu)"
}
check_ports() {
  for ((i = port; i <= last_port; i++)); do
    "$python" -I -S -c 'import socket, sys; s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind((sys.argv[1], int(sys.argv[2])))' "$host" "$i" \
      2>/dev/null || refuse "cannot listen on $host, port $i: is something running there?"
  done
}

if [[ -z $dry_run ]]; then
  [[ $device == cpu ]] || check_gpus
  bash "$recipes/setup_judge.sh" --device "$device"
  check_ports
  mkdir -p "$log_dir"
  trap stop EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  # Without cached byte code every process compiles its imports anew.
  unset PYTHONDONTWRITEBYTECODE
  say "starting $model ($device); logs in $log_dir"
fi
if ((!behind_router)); then
  server_command "$host" "$port" 0
  start "server-$port"
else
  for ((n = 0; n < replicas; n++)); do
    server_command 127.0.0.1 "$((port + n + 1))" "$n"
    start "server-$((port + n + 1))"
  done
  if [[ -z $dry_run ]]; then
    for ((n = 1; n <= replicas; n++)); do wait_for 127.0.0.1 "$((port + n))" /health_generate; done
    for url in ${ALSO[@]+"${ALSO[@]}"}; do
      there=${url#http://}
      wait_for "${there%:*}" "${there#*:}" /health_generate
    done
  fi
  router_command
  start "router-$port"
fi
[[ -z $dry_run ]] || exit 0
reach=$host
[[ $host != 0.0.0.0 ]] || reach=127.0.0.1
wait_for "$reach" "$port" /health_generate
[[ $host != 0.0.0.0 ]] || reach=$(hostname)
say "ready after $SECONDS s; recipes/train.sh takes:"
echo "--judge server --judge-url http://$reach:$port"
while sleep 1; do
  for i in "${!PIDS[@]}"; do
    kill -0 "${PIDS[i]}" 2>/dev/null && continue
    # The router does without one of several servers; nothing does without the router or the last server.
    ((i < replicas && ${#PIDS[@]} + ${#ALSO[@]} > 2)) || check_alive
    report_death "$i" ', the others go on'
    kill -KILL -- "-${PIDS[i]}" 2>/dev/null || true
    unset "PIDS[i]"
  done
done
