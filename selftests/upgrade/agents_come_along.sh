# upgrade/agents_come_along.sh - After an upgrade agents are online at the new daemon at once: streams through their channels go on, and new clients wait for them.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
. "$LIB_DIR/upgrade/lib_upgrade.sh"
need jq curl openssl
start_upstream stream 9000
start_upstream python 9001
start_edge <<-CONF
	workers: 1
CONF
start_agent a tls 9000 --url app.test
start_agent b tls 9001 --url python.test
wait_for is_ready app.test
wait_for is_ready python.test
stream app.test --up 4m --down 4m --conns 20 --parallel 20 --read-rate 2000 --server-read-rate 2000 --timeout 60 &
client=$!
wait_for eval '[ "$(live_conns)" = 20 ]'
for i in 1 2 3; do
	upgrade || fail "upgrade $i: $(cat "$TMP/upgrade.log")"
	same "the page, at once" "$(fetch python.test)" "hello from python"
done
wait "$client" || fail "a stream was cut: $(cat "$TMP/stream.log")"
wait_for has_events 23
same "events" "$(event_count)" 23
same "who ends TLS, and where" "$(jq -r '"\(.object.terminated_at) \(.object.conn.server_name)"' "$EVENTS" | sort | uniq -c | xargs)" \
	"20 upstream app.test 3 upstream python.test"
stop_upgraded
