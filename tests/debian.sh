#!/usr/bin/env bash
# What the tests need of Debian: a browser for the error browser, a Redis server for the cache, shellcheck. Does nothing when it is there.
set -euo pipefail

packages=()
command -v chromium >/dev/null && command -v chromedriver >/dev/null || packages+=(chromium chromium-driver)
command -v redis-server >/dev/null || packages+=(redis-server)
command -v shellcheck >/dev/null || packages+=(shellcheck)
((${#packages[@]})) || exit 0

if ! command -v apt-get >/dev/null || ((EUID != 0)); then
  echo "tests need ${packages[*]}: install them, as root on Debian: apt-get install ${packages[*]}" >&2
  exit 2
fi
echo "setup: installing ${packages[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
