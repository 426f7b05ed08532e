# control/conn_kill_resets_both_ends.sh - conn kill ends one connection, endpoint rm --kill all of an endpoint, both with an event that says killed; endpoint rm alone leaves them.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need jq openssl
certificate
start_upstream openssl 9000
start_snisplitd <<-CONF
	version: 1
CONF
cli endpoint add app.test --upstream "$UP:9000"
hold() # a TLS client that says nothing, until it is cut
{
	sleep 60 | in_client openssl s_client -quiet -connect "$EDGE:443" -servername app.test >/dev/null 2>&1 &
}
conns() { [ "$(live_conns)" = "$1" ]; }
hold
wait_for conns 1
id=$(cli --json conn list --endpoint app.test | jq -r '.connections[0].id')
cli conn list | grep -q "^$id .* app.test .* open" || fail "$(cli conn list)"
cli conn kill "$id"
event_is 1 connection_id="$id" close_reason=killed
wait_for conns 0
status=0
cli conn kill "$id" 2>"$TMP/err" || status=$?
same "killed twice" "$status $(cat "$TMP/err")" "1 snisplit: no connection '$id'"

hold
hold
wait_for conns 2
endpoint=$(cli --json endpoint get app.test | jq -r .id)
cli endpoint rm app.test
same "live after rm" "$(live_conns)" 2
same "listed by the id that is gone" "$(cli --json conn list --endpoint "$endpoint" | jq '.connections | length')" 2
for i in 0 1; do
	cli conn kill "$(cli --json conn list | jq -r ".connections[0].id")"
	wait_for conns $((1 - i))
done

cli endpoint add app.test --upstream "$UP:9000"
hold
hold
wait_for conns 2
same "rm --kill" "$(cli endpoint rm app.test --kill)" "removed app.test, 2 connections ended"
wait_for has_events 5
same reasons "$(jq -r .object.close_reason "$EVENTS" | sort | uniq -c | xargs)" "5 killed"
