# agent/upstream_that_fails_closes_only_its_own.sh - An agent whose upstream refuses closes that client, says so, and serves the next one as soon as the upstream is there.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need nginx curl jq openssl
start_edge <<-CONF
	workers: 1
CONF
start_agent a tls 9001 --url app.test
wait_for is_ready app.test
certificate
refuse fetch app.test 2>/dev/null
event_is 1 close_reason="upstream_rst|upstream_fin"
wait_for agent_says a "upstream localhost:9001: Connection refused"
start_upstream nginx 9001
wait_for is_ready app.test
same "later" "$(fetch app.test)" "hello from nginx"
wait_for agent_says a '"reason":"upstream_refused"'
