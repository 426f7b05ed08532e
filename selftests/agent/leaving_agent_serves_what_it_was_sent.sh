# agent/leaving_agent_serves_what_it_was_sent.sh - Connections that the edge had put on an agent's idle channels when it was told to end are served, although it had read nothing of them yet.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath topology=veth
# Timeout: 120
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need nginx curl jq
start_upstream nginx 9000
start_edge <<-CONF
	workers: 1
	pool: {max_age: 5m}
CONF
start_agent a tls "$UP:9000" --url app.test
agent=$AGENT
wait_for is_ready app.test 1
all_sent() { [ "$(cli --json conn list | jq '[.connections[] | select(.state == "open" and .bytes_in > 0)] | length')" = 3 ]; }
many() # HOW-MANY OUT: at once
{
	for i in $(seq "$1"); do
		fetch app.test --max-time 40 >"$TMP/$2.$i" 2>"$TMP/$2.$i.err" &
		clients+=($!)
	done
}
warmed_up() # so many at once that more channels are asked for
{
	clients=()
	many 40 first
	wait "${clients[@]}"
	is_ready app.test 4
}
wait_for 30 warmed_up
kill -STOP "$agent"
clients=()
many 3 page
wait_for all_sent
kill -TERM "$agent"
kill -CONT "$agent"
wait "${clients[@]}"
for i in 1 2 3; do
	same "page $i" "$(cat "$TMP/page.$i")" "hello from nginx"
done
wait "$agent"
