# upgrade/events_of_earlier_daemons_are_seen.sh - After upgrades, what earlier daemons' connections end with is in the event stream of the last one, and goes to its destinations, once; when it is gone or does not read, they write it themselves (followers of the last daemon saw only its own).
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel
# Timeout: 120
. "$LIB"
. "$LIB_DIR/upgrade/lib_upgrade.sh"
need jq python3
start_upstream stream 9000
configured() # FILE
{
	configure <<-CONF
		endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
		events: [{file: $1}]
	CONF
}
configured "$EVENTS"
start_again
seen() { jq -r .object.connection_id "$TMP/followed" 2>/dev/null | sort -u | wc -l; }
lines() { sort -u "$1" 2>/dev/null | wc -l; }

hold_streams 40
first=$DAEMON first_client=$CLIENT
configured "$TMP/next.ndjson" # what an earlier daemon never hears of
upgrade || fail "$(cat "$TMP/upgrade.log")"
hold_streams 3
second=$DAEMON second_client=$CLIENT
upgrade || fail "$(cat "$TMP/upgrade.log")"
cli --json events --follow --since 1h >"$TMP/followed" 2>"$TMP/follow.err" &
follower=$!
# one, by its id; then the second daemon's; then as many at once as there are
id=$(cli --json conn list | jq -r --argjson p "$first" '[.connections[] | select(.earlier_daemon == $p)][0].id')
cli conn kill "$id" >/dev/null
wait_for eval '[ "$(seen)" = 1 ]'
same "which" "$(jq -r '"\(.object.connection_id) \(.object.close_reason)"' "$TMP/followed")" "$id killed"
kill "$second_client"
wait "$second_client" || true
wait_for eval '[ "$(seen)" = 4 ]'
wait_for is_gone "$second"
kill "$first_client"
wait "$first_client" || true
wait_for eval '[ "$(seen)" = 43 ]'
wait_for is_gone "$first"
wait_for eval '[ "$(lines "$TMP/next.ndjson")" = 43 ]'
same "those of the first one's" "$(event_count)" 0
same "lost" "$(cli --json status | jq -c '[.events.emitted, .events.lost]')" "[43,0]"
same "earlier lines" "$(cli --json events --since 1h | sort -u | wc -l)" 43
kill "$follower"

# one that ends with the last
EVENTS=$TMP/third.ndjson
configured "$EVENTS"
cli reload >/dev/null
hold_streams 5
configured "$TMP/last.ndjson"
third=$DAEMON
upgrade || fail "$(cat "$TMP/upgrade.log")"
kill -TERM "$DAEMON"
wait_for eval 'grep -q "draining: " "$TMP/snisplitd.log"'
kill -TERM "$DAEMON"
wait_for is_gone "$DAEMON"
wait_for is_gone "$third"
same "drained" "$(jq -r .object.close_reason "$TMP/last.ndjson" | sort | uniq -c | xargs)" "5 drained"
same "events of the third" "$(event_count)" 0
kill "$CLIENT"
wait "$CLIENT" || true

# one that does not read any more, and then is killed
EVENTS=$TMP/fifth.ndjson
configured "$EVENTS"
start_again
hold_streams 300
fifth=$DAEMON
upgrade || fail "$(cat "$TMP/upgrade.log")"
kill -STOP "$DAEMON"
kill "$CLIENT"
wait "$CLIENT" || true
wait_for eval '[ "$(event_count)" -gt 100 ]'
kill -KILL "$DAEMON"
DAEMON=''
wait_for is_gone "$fifth"
refuse grep -E "cannot be read" "$TMP/snisplitd.log"
