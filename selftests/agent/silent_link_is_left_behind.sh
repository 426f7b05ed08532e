# agent/silent_link_is_left_behind.sh - A link that drops everything without a word: both ends notice within heartbeat_tolerance, and the endpoint is online within seconds of the link's return.
# SPDX-License-Identifier: GPL-2.0-only
# Each: topology=veth
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need nginx curl jq openssl
start_upstream nginx 9001
start_edge <<-CONF
	workers: 1
	tunnel: {listen: "0.0.0.0:4443"}
CONF
cat >"$TMP/agent.yml" <<-CONF
	version: 2
	heartbeat_interval: 500ms
	heartbeat_tolerance: 1500ms
	tunnels: {web: {proto: tls, addr: "$UP:9001", domain: app.test}}
CONF
start_agent a start web --config "$TMP/agent.yml"
wait_for is_ready app.test
# the far end loses its carrier, which TCP does not mind: it sends, and nothing comes
ip link set e-upstream down
gone() { ! cli endpoint get app.test 2>/dev/null; }
wait_for gone
wait_for agent_says a "no sign of the edge"
ip link set e-upstream up
wait_for link_is_up upstream
back=$(date +%s%N)
wait_for is_ready app.test
ms=$((($(date +%s%N) - back) / 1000000))
[ $ms -lt 5000 ] || fail "it took $ms ms"
same "page" "$(fetch app.test)" "hello from nginx"
# a machine that is gone without a word leaves a session behind: a new agent of the same credential
# has its name at once, however long the edge would have waited
sed -i 's/1500ms/60s/' "$TMP/agent.yml"
stop_agent "$AGENT"
start_agent b start web --config "$TMP/agent.yml"
wait_for is_ready app.test
kill -STOP "$AGENT"
start_agent c start web --config "$TMP/agent.yml"
wait_for agent_says c "endpoint online"
wait_for is_ready app.test
same "page" "$(fetch app.test)" "hello from nginx"
# but not from one that is alive
status=0
in_upstream timeout 20 "$O/snisplit" start web --config "$TMP/agent.yml" --log false >"$TMP/d.log" 2>&1 || status=$?
same "status of the fourth" "$status" 2
grep -q ERR_SNISPLIT_334 "$TMP/d.log"
