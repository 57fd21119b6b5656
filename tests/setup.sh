#!/bin/sh
# Installs what the tests need beside Python: Chromium, Prometheus, the real Asterisk, the model.
# setup.sh BIN, the folder of the environment's programs. Safe to run again.
set -eu
bin=$1

say() { printf '%s\n' "$*" >&2; }

missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need chromium chromium
need prometheus prometheus
need promtool prometheus
need debootstrap debootstrap
# Without a Han font the page's screenshots are boxes.
fc-list :lang=zh 2>/dev/null | grep -q . || missing="$missing fonts-wqy-microhei"

if [ -n "$missing" ]; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
        say "missing on this machine; run:  sudo apt-get install$missing"
        exit 1
    fi
    say "installing$missing ..."
    apt-get update -qq
    # shellcheck disable=SC2086 # a list of package names
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi
if [ ! -d agent_console/web/node_modules/vitest ]; then
    say "installing what the page's own checks need ..."
    (cd agent_console/web && npm ci --no-audit --no-fund --silent)
fi
"$bin/tingzhen" lab install
"$bin/tingzhen" doctor --fetch-model
