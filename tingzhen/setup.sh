#!/bin/sh
# Makes the project's own environment: setup.sh VENV WHAT, as `setup.sh .venv '.[dev]'`.
set -eu
venv=$1
what=$2

say() { printf '%s\n' "$*" >&2; }

# Install Debian packages, or name the exact command.
need_debian() {
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "installing $* ..."
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
    else
        say "missing on this machine; run:  sudo apt-get install $*"
        exit 1
    fi
}

find_python() {
    for name in python3.11 python3.12 python3.13 python3 python3.14; do
        if command -v "$name" >/dev/null 2>&1 &&
            "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    return 1
}

if [ ! -x "$venv/bin/python" ]; then
    python=$(find_python) || { need_debian python3 python3-venv; python=$(find_python) || {
        say "Python 3.11 or newer is needed"; exit 1; }; }
    # Debian splits venv's pip off into a package of its own.
    "$python" -c 'import venv, ensurepip' 2>/dev/null || need_debian python3-venv
    say "making $venv with $("$python" --version) ..."
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
say "installing Tingzhen and its libraries into $venv ..."
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt -e "$what"
