# agent/comes_back_after_a_kill.sh - The edge is killed, the agent is killed: the endpoint is online again soon after; what the edge made up as its name stays its name.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need nginx curl jq openssl
start_upstream nginx 9001
start_edge <<-CONF
	workers: 1
	base_domain: made.test
CONF
start_agent a tls 9001 --url app.test
named=$AGENT
start_agent b tls 9001
wait_for is_ready app.test
url_of() { cli --json endpoint list | jq -r '.endpoints[].host' | grep made.test; }
wait_for url_of
url=$(url_of)
[[ $url =~ ^[a-z0-9]+\.made\.test$ ]] || fail "it was called $url"
stop_snisplitd KILL
start_again
wait_for 20 is_ready app.test
wait_for 20 is_ready "$url"
same "after the edge's end" "$(fetch app.test)" "hello from nginx"
kill -9 "$named"
gone() { ! cli endpoint get app.test 2>/dev/null; }
wait_for gone
start_agent c tls 9001 --url app.test
wait_for is_ready app.test
same "after the agent's end" "$(fetch app.test)" "hello from nginx"
stop_agent "$AGENT"
