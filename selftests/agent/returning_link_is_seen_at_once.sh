# agent/returning_link_is_seen_at_once.sh - A router between agent and edge drops everything for a while, less than heartbeat_tolerance: when it forwards again the agent does not wait for TCP's next retransmission.
# SPDX-License-Identifier: GPL-2.0-only
# Each: topology=veth
# Timeout: 90
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need nginx curl jq openssl
agent_behind_router
start_upstream nginx 9001
start_edge <<-CONF
	workers: 1
	tunnel: {listen: "0.0.0.0:4443"}
CONF
cat >"$TMP/agent.yml" <<-CONF
	version: 2
	heartbeat_interval: 500ms
	heartbeat_tolerance: 60s
	tunnels: {web: {proto: tls, addr: 9001, domain: app.test}}
CONF
start_agent a start web --config "$TMP/agent.yml"
wait_for is_ready app.test
link_drops add
# by now TCP waits more than six seconds between two tries
# shellcheck disable=SC2034 # for eval
later=$((SECONDS + 8))
wait_for 20 eval '[ $SECONDS -ge $later ]'
refuse agent_says a "session lost"
link_drops del
wait_for agent_says a "the link to the edge is back"
wait_for eval '[ "$(grep -c "endpoint online" "$TMP/agent.a.log")" = 2 ]'
wait_for is_ready app.test
same "page" "$(fetch app.test)" "hello from nginx"
