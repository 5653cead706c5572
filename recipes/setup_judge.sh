#!/usr/bin/env bash
# Make the judge's own environment, as SGLang pins another torch than verl: .venv-judge for a GPU, .venv-judge-cpu for a
# CPU. Does nothing when it is ready; `recipes/serve_judge.sh` calls it.
#   bash recipes/setup_judge.sh [--device cuda|cpu]
set -euo pipefail
cd "$(dirname "$0")/.."
refuse() { echo "setup_judge.sh: $1" >&2; exit 2; }

device=cuda
while (($#)); do
  case $1 in
    --device) (($# > 1)) || refuse "--device needs a value"; device=$2; shift 2 ;;
    *) refuse "unknown argument $1: it takes --device cuda or --device cpu" ;;
  esac
done
case $device in
  cuda) venv=.venv-judge pins=recipes/judge-constraints.txt pythons='3.11 3.12' ;;
  cpu) venv=.venv-judge-cpu pins=recipes/judge_cpu/requirements.txt pythons=3.11 ;;
  *) refuse "--device $device: choose one of cuda cpu" ;;
esac

# One at a time: two tests or two servers may ask for it in the same moment.
exec 9<recipes/judge_cpu
flock 9
stamp=$venv/.ready-$(cat "$pins" recipes/setup_judge.sh | cksum | tr -c '0-9\n' -)
[[ -f $stamp ]] && exit 0

supported="import sys; sys.exit('%d.%d' % sys.version_info[:2] not in '$pythons'.split())"
for python in "${PYTHON:-python3}" python3.11 python3.12; do
  "$python" -c "$supported" 2>/dev/null && found=$python && break
done
[[ -n ${found:-} ]] || refuse "SGLang on a $device device needs Python ${pythons/ / or } on the PATH"

echo "setup_judge: installing SGLang ($device) into $venv" >&2
rm -rf "$venv"
"$found" -m venv "$venv"
python=$venv/bin/python
"$python" -m pip install --quiet --disable-pip-version-check uv
# Trust what pip trusts, as behind a company's proxy, and find the local wheels that pip is told of.
export UV_SYSTEM_CERTS=true
wheels=${PIP_FIND_LINKS:-$("$python" -m pip config get global.find-links 2>/dev/null || true)}
[[ -z $wheels ]] || export UV_FIND_LINKS=${UV_FIND_LINKS:-${wheels// /,}}
install=("$venv/bin/uv" pip install --quiet --python "$python")
if [[ $device == cpu ]]; then
  # torch first and by itself: its plain build cannot be imported without the CUDA libraries that it asks for.
  "${install[@]}" --constraint "$pins" torch
  "${install[@]}" --no-deps --requirements "$pins"
else
  "${install[@]}" --constraint "$pins" sglang sglang-router
fi
touch "$stamp"
