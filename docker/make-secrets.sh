#!/bin/sh
# Makes the secrets that compose.yml mounts: each a random word of its own, kept if it is there.
set -eu
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
chmod 700 "$folder" # nobody else gets at the files, which the containers' own users must read
for name in metrics_token ami_listener ami_admin ari agents grafana_password; do
    [ -s "$folder/$name" ] && continue
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$folder/$name"
    chmod 444 "$folder/$name"
done
