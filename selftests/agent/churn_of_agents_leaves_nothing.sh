# agent/churn_of_agents_leaves_nothing.sh - Agents come, are killed and come again under load: no connection is mutilated, and afterwards the edge holds no descriptor, slot or session of theirs.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need jq openssl
certificate
start_upstream stream 9000
start_edge <<-CONF
	workers: 2
	timeouts: {connect: 3s}
CONF
wait_for eval '[ "$(live_conns)" = 0 ]'
# shellcheck disable=SC2034 # for eval
fds=$(daemon_fds)
edge_agent() { "$O/snisplit" tls 9000 --terminate-at edge --crt "$TMP/cert.pem" --key "$TMP/key.pem" --url haproxy.test --log false & }
# connections are refused meanwhile, and cut: what counts is that nothing else happens to them
(while :; do "$HELPERS/stream" client --connect "$EDGE:443" --name app.test --conns 20 --parallel 5 --up 64k --down 64k >/dev/null 2>&1 || true; done) &
load=$!
(while :; do openssl s_client -connect "$EDGE:443" -servername haproxy.test </dev/null >/dev/null 2>&1 || true; done) &
load2=$!
for _ in $(seq 1 "$([ "$LONG" = 1 ] && echo 60 || echo 6)"); do
	start_agent a tls 9000 --url app.test
	first=$AGENT
	edge_agent
	second=$!
	wait_for is_ready app.test
	wait_for is_ready haproxy.test
	kill -KILL $first
	kill -TERM $second
	wait $first $second 2>/dev/null || true
	wait_for eval '[ "$(cli --json endpoint list | jq ".endpoints | length")" = 0 ]'
done
kill $load $load2
wait $load $load2 2>/dev/null || true
wait_for 20 eval '[ "$(live_conns)" = 0 ]'
wait_for 20 eval '[ "$(daemon_fds)" -le $((fds + 4)) ]'
same "sessions" "$(curl -s --unix-socket "$TMP/control.sock" http://x/tunnel_sessions | jq '.tunnel_sessions | length')" 0
[ "$DATAPATH" = userspace ] || wait_for eval '[ "$(map_entries slots)" = 0 ]'
# and it is all there for the next one
start_agent z tls 9000 --url app.test
wait_for is_ready app.test
"$HELPERS/stream" client --connect "$EDGE:443" --name app.test --conns 20 --parallel 5 --up 64k --down 64k >"$TMP/last.log" 2>&1 || fail "$(cat "$TMP/last.log")"
stop_agent "$AGENT"
stop_snisplitd
