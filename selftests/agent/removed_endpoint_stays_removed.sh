# agent/removed_endpoint_stays_removed.sh - An endpoint of an agent's that is removed at the edge does not come back with the agent's next session; when none is left the agent ends.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need jq openssl
start_upstream stream 9000
start_edge <<-CONF
	workers: 1
CONF
cat >"$TMP/agent.yml" <<-CONF
	version: 2
	tunnels:
	  one: {proto: tls, addr: 9000, domain: one.test}
	  two: {proto: tls, addr: 9000, domain: two.test}
CONF
start_agent a start --all --config "$TMP/agent.yml"
wait_for is_ready one.test
wait_for is_ready two.test
cli endpoint rm one.test
wait_for agent_says a "one.test is offline: it was removed at the edge"
stop_snisplitd KILL
start_again
wait_for 20 is_ready two.test
stream two.test --up 1k --down 1k
refuse cli endpoint get one.test 2>/dev/null
same "sessions" "$(curl -s --unix-socket "$TMP/control.sock" http://x/tunnel_sessions | jq '.tunnel_sessions | length')" 1
cli endpoint rm two.test
status=0
wait "$AGENT" || status=$?
same "status of the agent" "$status" 2
grep -q "nothing is left to serve" "$TMP/agent.a.out.log" || fail "$(cat "$TMP/agent.a.out.log")"
