#!/bin/sh
# Fills the configuration templates from the environment and becomes Asterisk.
# Secrets: AMI_LISTENER_SECRET, AMI_ADMIN_SECRET, ARI_SECRET and AGENT_SECRET (with which the phones
# of the agents 1001, 1002, ... register), or the same with _FILE naming a file.
set -eu

templates=${TEMPLATES:-/usr/local/share/tingzhen/asterisk_conf}
STATE_DIR=${STATE_DIR:-/srv/asterisk}

secret() {
    eval "value=\${$1:-} file=\${$1_FILE:-}"
    if [ -z "$value" ] && [ -n "$file" ]; then value=$(cat "$file"); fi
    if [ -z "$value" ]; then
        echo "entrypoint: set $1 or $1_FILE" >&2
        exit 2
    fi
    export "$1=$value"
}
secret AMI_LISTENER_SECRET
secret AMI_ADMIN_SECRET
secret ARI_SECRET
secret AGENT_SECRET

if [ -z "${MODULE_DIR:-}" ]; then
    for MODULE_DIR in /usr/lib/*/asterisk/modules; do break; done
fi
export STATE_DIR MODULE_DIR
export DATA_DIR="${DATA_DIR:-/usr/share/asterisk}"
export AMI_LISTENER="${AMI_LISTENER:-tingzhen}" AMI_ADMIN="${AMI_ADMIN:-lab}"
export AMI_BIND="${AMI_BIND:-0.0.0.0}" AMI_PORT="${AMI_PORT:-5038}"
export HTTP_BIND="${HTTP_BIND:-0.0.0.0}" HTTP_PORT="${HTTP_PORT:-8088}"
export ARI_USER="${ARI_USER:-tingzhen}"
export SIP_BIND="${SIP_BIND:-0.0.0.0}" SIP_PORT="${SIP_PORT:-5060}"
export RTP_FIRST="${RTP_FIRST:-10000}" RTP_LAST="${RTP_LAST:-11999}"
# Who may log in to the manager interface: the containers' own networks.
export PERMIT="${PERMIT:-172.16.0.0/255.240.0.0}"
export AUDIOSOCKET_HOST="${AUDIOSOCKET_HOST:-tingzhen}" AUDIOSOCKET_PORT="${AUDIOSOCKET_PORT:-9092}"
export WEBSOCKET_HOST="${WEBSOCKET_HOST:-tingzhen}" WEBSOCKET_PORT="${WEBSOCKET_PORT:-9093}"

# Only these are filled: dialplan variables such as ${EXTEN} stay as they are.
places='${AMI_ADMIN} ${AMI_ADMIN_SECRET} ${AMI_BIND} ${AMI_LISTENER} ${AMI_LISTENER_SECRET}
${AMI_PORT} ${ARI_SECRET} ${ARI_USER} ${AUDIOSOCKET_HOST} ${AUDIOSOCKET_PORT} ${DATA_DIR}
${HTTP_BIND} ${HTTP_PORT} ${MODULE_DIR} ${PERMIT} ${RTP_FIRST} ${RTP_LAST} ${SIP_BIND} ${SIP_PORT}
${STATE_DIR} ${WEBSOCKET_HOST} ${WEBSOCKET_PORT}'
umask 077
for template in "$templates"/*.conf; do
    envsubst "$places" <"$template" >"$STATE_DIR/etc/$(basename "$template")"
done

agent=1001
last=$((1000 + ${AGENTS:-10}))
: >"$STATE_DIR/etc/pjsip_agents.conf"
while [ "$agent" -le "$last" ]; do
    cat >>"$STATE_DIR/etc/pjsip_agents.conf" <<AGENT
[$agent](phone)
aors = $agent
auth = $agent
device_state_busy_at = 1

[$agent](binding)

[$agent]
type = auth
auth_type = digest
username = $agent
password = $AGENT_SECRET

AGENT
    agent=$((agent + 1))
done

exec "${ASTERISK:-asterisk}" -f -C "$STATE_DIR/etc/asterisk.conf" "$@"
