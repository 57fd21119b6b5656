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
need prometheus-alertmanager prometheus-alertmanager
need amtool prometheus-alertmanager
need systemd-analyze systemd
need envsubst gettext-base
need debootstrap debootstrap
# A sound server without a sound card, and what PyAudio is built with.
need pulseaudio pulseaudio
need paplay pulseaudio-utils
need cc "gcc libc6-dev"
[ -e /usr/include/portaudio.h ] || missing="$missing portaudio19-dev"
ls /usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so >/dev/null 2>&1 || missing="$missing libasound2-plugins"
"$bin/python" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' \
    || missing="$missing python3-dev"
# WeasyPrint lays out PDF reports with these.
ldconfig -p 2>/dev/null | grep -q 'libpangoft2-1\.0\.so' || missing="$missing libpangoft2-1.0-0"
ldconfig -p 2>/dev/null | grep -q 'libharfbuzz-subset\.so' || missing="$missing libharfbuzz-subset0"
# Without a Han font the page's screenshots and reports are boxes.
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
"$bin/python" -c 'import pyaudio' 2>/dev/null || {
    say "building PyAudio ..."
    "$bin/python" -m pip install -q -c constraints.txt pyaudio
}

# Side by side: each waits for another server most of the time.
page() {
    [ -d agent_console/web/node_modules/vitest ] && return
    say "installing what the page's own checks need ..."
    (cd agent_console/web && npm ci --no-audit --no-fund --silent)
}
page & page=$!
"$bin/tingzhen" lab install & lab=$!
"$bin/tingzhen" doctor --fetch-model & model=$!
# What a shell starts in the background does not hear the keyboard's interrupt.
trap 'kill "$page" "$lab" "$model" 2>/dev/null; exit 130' INT TERM
failed=0
for job in "$page" "$lab" "$model"; do
    wait "$job" || failed=1
done
exit "$failed"
