# agent/forgotten_connections_are_made_again.sh - A NAT forgets the agent's connections and drops what comes for them: the session is made again as soon as TCP hears nothing, whoever ends TLS, and nobody is sent over a channel that leads nowhere.
# SPDX-License-Identifier: GPL-2.0-only
# Each: topology=veth
# Timeout: 90
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need nginx curl jq openssl
agent_behind_router
start_upstream nginx 9001
mkdir "$TMP/web" && echo "from the agent" >"$TMP/web/page"
in_upstream_exec python3 -m http.server -d "$TMP/web" --bind 127.0.0.1 9000 >"$TMP/web.log" 2>&1 &
wait_for 30 listening 9000 in_upstream
start_edge <<-CONF
	workers: 1
	tunnel: {listen: "0.0.0.0:4443"}
CONF
cat >"$TMP/agent.yml" <<-CONF
	version: 2
	heartbeat_interval: 500ms
	tunnels:
	  web: {proto: tls, addr: 9001, domain: app.test}
	  own: {proto: tls, addr: 9000, domain: nginx.test, terminate_at: agent, crt: $TMP/cert.pem, key: $TMP/key.pem}
CONF
start_agent a start --all --config "$TMP/agent.yml"
wait_for is_ready app.test
wait_for is_ready nginx.test
same "before" "$(fetch app.test), $(fetch nginx.test)" "hello from nginx, from the agent"
begin=$(date +%s%N)
# what is there now is dropped, in both directions; new connections are not
for port in $(in_ns agent ss -Htn dst 10.9.2.1 | awk '{sub(/.*:/, "", $4); print $4}'); do
	in_ns upstream ip rule add ipproto tcp sport "$port" blackhole
	in_ns upstream ip rule add ipproto tcp dport "$port" blackhole
done
online() { [ "$(grep -c "endpoint online" "$TMP/agent.a.log")" = 4 ]; }
wait_for online
echo "online again after $((($(date +%s%N) - begin) / 1000000)) ms"
wait_for is_ready app.test
wait_for is_ready nginx.test
same "after" "$(fetch app.test), $(fetch nginx.test)" "hello from nginx, from the agent"
agent_says a "the link to the edge is back, the session is not"
same "sessions" "$(curl -s --unix-socket "$TMP/control.sock" http://x/tunnel_sessions | jq '.tunnel_sessions | length')" 1
