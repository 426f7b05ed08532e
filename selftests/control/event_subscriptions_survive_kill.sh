# control/event_subscriptions_survive_kill.sh - Destinations and subscriptions made with curl and the CLI select events, can be changed, refuse what is wrong by its field, and are there again after kill -9.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=userspace
. "$LIB"
need jq curl python3
start_upstream stream 9000
python3 selftests/fixtures/event_receivers.py "$TMP" 2>"$TMP/receivers.log" &
RECEIVERS=$!
wait_for listening 5180
start_snisplitd <<-CONF
	endpoints: [{url: "tls://*.app.test", upstream: "$UP:9000"}]
CONF
api() { curl -sS --unix-socket "$TMP/control.sock" -X "$1" "http://x$2" ${3+-d "$3"}; }
hook=$(api POST /event_destinations '{"target":{"webhook":{"url":"http://127.0.0.1:5180/"}},"description":"hook"}' | jq -r .id)
[[ $hook == ed_* ]] || fail "id $hook"
sub=$(api POST /event_subscriptions "{\"sources\":[{\"type\":\"tcp_connection_closed.v0\",\"filter\":\"ev.conn.server_name == 'a.app.test'\",\"fields\":[\"conn.server_name\"]}],\"destination_ids\":[\"$hook\"]}" | jq -r .id)
[[ $sub == esb_* ]] || fail "id $sub"
file=$(cli event-destination add --file audit.ndjson --metadata m)
cli event-subscription add --destination "$file" --filter 'ev.conn.server_name != "a.app.test"' >"$TMP/sub2"
stream a.app.test --up 1k --down 1k
stream b.app.test --up 1k --down 1k --seed 2
has_lines() { [ "$(wc -l <"$1")" -ge "$2" ]; }
audit=$TMP/state/events/audit.ndjson
wait_for has_lines "$TMP/webhook.out" 1
wait_for has_lines "$audit" 1
same "webhook" "$(jq -c .object "$TMP/webhook.out")" '{"conn":{"server_name":"a.app.test"}}'
same "file" "$(jq -r .object.conn.server_name "$audit")" b.app.test
same "mode" "$(stat -c %a "$audit")" 640

# is WANT METHOD PATH [BODY]: WANT is status/field
is()
{
	same "$2 $3 ${4:-}" "$(api "$2" "$3" ${4+"$4"} | jq -r '"\(.status_code)/\(.details.field // "-")"')" "$1"
}
is 400/target POST /event_destinations '{}'
is 400/target POST /event_destinations '{"target":{"kafka":{}}}'
is 400/file POST /event_destinations '{"target":{"file":{"path":"/etc/cron.d/x"}}}'
is 400/file POST /event_destinations '{"target":{"file":{"path":"../x"}}}'
is 400/webhook POST /event_destinations '{"target":{"webhook":{"url":"file:///etc/passwd"}}}'
is 400/nope POST /event_destinations '{"nope":1}'
is 400/sources POST /event_subscriptions '{}'
is 400/filter POST /event_subscriptions '{"sources":[{"filter":"true"}]}'
is 400/fields POST /event_subscriptions '{"sources":[{"fields":["conn.x"]}]}'
is 400/type POST /event_subscriptions '{"sources":[{"type":"x.v0"}]}'
is 400/destination_ids POST /event_subscriptions '{"sources":[{}],"destination_ids":["ed_x"]}'
is 409/- DELETE "/event_destinations/$hook"
is 404/- GET /event_destinations/ed_x
is 404/- DELETE /event_subscriptions/esb_x
is 400/format PATCH "/event_destinations/$hook" '{"format":"xml"}'
is 405/- PUT "/event_destinations/$hook"

cli event-subscription set "$sub" --filter 'ev.conn.server_port == 443' --field close_reason >/dev/null
api PATCH "/event_destinations/$hook" '{"description":"changed"}' >/dev/null
{ api GET /event_destinations; api GET /event_subscriptions; } | jq -S 'del(.. | .metrics?)' >"$TMP/before"
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null || true
start_again
{ api GET /event_destinations; api GET /event_subscriptions; } | jq -S 'del(.. | .metrics?)' | cmp - "$TMP/before" || fail "not the same after kill -9"
grep -q '"changed"' "$TMP/before" || fail "PATCH changed nothing"
stream c.app.test --up 1k --down 1k --seed 3
wait_for has_lines "$TMP/webhook.out" 2
wait_for has_lines "$audit" 2
same "after the change" "$(tail -n 1 "$TMP/webhook.out" | jq -c .object)" '{"close_reason":"client_fin"}'
cli event-subscription rm "$sub"
cli event-destination rm "$hook"
cli event-destination list | grep -q "$hook" && fail "still listed"
stream d.app.test --up 1k --down 1k --seed 4
wait_for has_lines "$audit" 3
same "removed one got" "$(wc -l <"$TMP/webhook.out")" 2
kill $RECEIVERS
