# agent/forgotten_connections_are_made_again.sh - A NAT forgets the agent's connections and drops what comes for them: the session is made again as soon as TCP hears nothing, whoever ends TLS, and nobody is sent over a channel that leads nowhere.
# SPDX-License-Identifier: GPL-2.0-only
# Each: topology=veth
# Timeout: 90
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need nginx curl jq openssl
agent_serves_two "heartbeat_interval: 500ms"
start_agent a start --all --config "$TMP/agent.yml"
wait_for is_ready app.test
wait_for is_ready nginx.test
same "before" "$(fetch app.test), $(fetch nginx.test)" "hello from nginx, from the agent"
begin=$(date +%s%N)
router_forgets
online() { [ "$(grep -c "endpoint online" "$TMP/agent.a.log")" = 4 ]; }
wait_for online
echo "online again after $((($(date +%s%N) - begin) / 1000000)) ms"
wait_for is_ready app.test
wait_for is_ready nginx.test
same "after" "$(fetch app.test), $(fetch nginx.test)" "hello from nginx, from the agent"
agent_says a "the link to the edge is back, the session is not"
same "sessions" "$(curl -s --unix-socket "$TMP/control.sock" http://x/tunnel_sessions | jq '.tunnel_sessions | length')" 1
