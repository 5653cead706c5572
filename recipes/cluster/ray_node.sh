#!/usr/bin/env bash
# One machine of a Ray cluster, in the foreground: the head, or one that joins it. TERM ends it, and nothing else here.
#
#   recipes/cluster/ray_node.sh head --address 10.0.0.1:6379           # on the first machine
#   recipes/cluster/ray_node.sh join --address 10.0.0.1:6379           # on each other
#   RAY_ADDRESS=10.0.0.1:6379 recipes/train.sh --nnodes 2 ...          # then, on the first
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: recipes/cluster/ray_node.sh head | join [flags] [-- RAY_START_ARG...]

  --address HOST:PORT   of the head, as the other machines reach it
  --wait SECONDS        how long a machine that joins waits for the head     (600)
  --dry-run             print the command, start nothing

What is exported here, such as a password of the judge's cache, is there for the training's processes on this machine.
TEXT
}
refuse() { echo "ray_node.sh: $1" >&2; exit 2; }

role=${1:-} address='' wait=600 dry_run=''
case $role in
  head | join) shift ;;
  -h | --help) usage; exit 0 ;;
  *) refuse "say head or join (see --help)" ;;
esac
while (($#)); do
  case $1 in
    --address | --wait)
      (($# > 1)) || refuse "$1 needs a value"
      printf -v "${1#--}" %s "$2"
      shift 2
      ;;
    --dry-run) dry_run=1; shift ;;
    -h | --help) usage; exit 0 ;;
    --) shift; break ;;
    *) refuse "unknown argument $1 (see --help; Ray's own go after --)" ;;
  esac
done
[[ $address =~ ^[^:]+:[0-9]+$ ]] || refuse "--address HOST:PORT is missing, such as 10.0.0.1:6379"
[[ $wait =~ ^[0-9]+$ ]] || refuse "--wait $wait is not a number of seconds"

python=${PYTHON:-python}
host=${address%:*} port=${address##*:}
# --block keeps it in the foreground: its end is Ray's end on this machine, and `ray stop`, which ends all of a machine's
# clusters, is never needed.
COMMAND=("$python" -m ray.scripts.scripts start --block --disable-usage-stats)
if [[ $role == head ]]; then
  COMMAND+=(--head --port "$port" --include-dashboard false)
else
  COMMAND+=(--address "$address")
fi
COMMAND+=("$@")
if [[ -n $dry_run ]]; then printf '%q ' "${COMMAND[@]}"; echo; exit 0; fi

# `ray start` would take it for a cluster to connect to.
unset RAY_ADDRESS
# Whoever may talk to Ray may run anything: only who has the token, which lies in ~/.ray/auth_token or RAY_AUTH_TOKEN.
export RAY_AUTH_MODE=${RAY_AUTH_MODE:-token}
[[ $role == join || $RAY_AUTH_MODE != token ]] || "$python" -m ray.scripts.scripts get-auth-token --generate >/dev/null
# Without cached byte code each of verl's processes compiles its imports anew.
unset PYTHONDONTWRITEBYTECODE
if [[ $role == join ]]; then
  until "$python" -I -S -c 'import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)' \
    "$host" "$port" 2>/dev/null; do
    ((SECONDS < wait)) || refuse "no head at $address after $wait s: is ray_node.sh head running there, and the port open?"
    sleep 1
  done
fi
exec "${COMMAND[@]}"
