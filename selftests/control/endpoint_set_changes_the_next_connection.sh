# control/endpoint_set_changes_the_next_connection.sh - PATCH and endpoint set change an endpoint on disk and for the next connection; open ones go on, counters too; what cannot be changed is refused by its field.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need jq curl
start_upstream stream 9000
start_upstream python 9001
certificate
start_snisplitd <<-CONF
	endpoints: [{url: "tls://file.test", upstream: "$UP:9000"}]
CONF
api() { curl -sS --unix-socket "$TMP/control.sock" -X "$1" "http://x$2" ${3+-d "$3"}; }
id=$(cli endpoint add app.test --upstream "$UP:9000" --description before | cut -d' ' -f1)
"$HELPERS/stream" client --connect "$EDGE:443" --name app.test --report "$TMP/stream.report" --order server \
	--up 1k --down 6m --server-write-rate 2000 --timeout 60 >"$TMP/long" 2>"$TMP/long.err" &
LONG_ONE=$!
wait_for eval '[ "$(live_conns)" = 1 ]'
cli endpoint set app.test --upstream "$UP:9001" --metadata 'a "b"' >/dev/null
same "page of the new upstream" "$(fetch app.test)" "hello from python"
wait_for eval '[ "$(live_conns)" = 1 ]' # the fetched one has ended
same "what it says" "$(api GET "/endpoints/$id" | jq -c '[.id, .upstream_url, .description, .metadata, .metrics.conns.count, .metrics.conns.gauge]')" \
	"[\"$id\",\"$UP:9001\",\"before\",\"a \\\"b\\\"\",2,1]"
wait $LONG_ONE || fail "the open connection: $(cat "$TMP/long" "$TMP/long.err")"

is() # WANT BODY [ID]: WANT is status/field
{
	same "$2" "$(api PATCH "/endpoints/${3:-$id}" "$2" | jq -r '"\(.status_code)/\(.details.field // "-")"')" "$1"
}
is 400/url '{"url":"tls://other.test"}'
is 400/url '{"url":null}'
is 400/upstream '{"upstream":"no-such-host.invalid:1"}'
is 400/upstream '{"upstream":null}'
is 400/nope '{"nope":1}'
is 400/datapath '{"description":"x","datapath":"fast"}'
is 400/cidr_deny '{"cidr_deny":["192.0.2.1/24"]}'
is 409/- '{"description":"x"}' file.test
is 404/- '{}' none.test
same "nothing changed" "$(api GET "/endpoints/$id" | jq -r .description)" before
same "the same url is fine" "$(api PATCH "/endpoints/$id" '{"url":"TLS://App.test."}' | jq -r .url)" tls://app.test
status=0
cli endpoint set app.test 2>/dev/null || status=$?
same "nothing to change" $status 1

cli endpoint set "$id" --cidr-deny 127.0.0.0/8 --cidr-deny ::1/128 --cidr-allow 0.0.0.0/0 --cidr-allow ::/0 >/dev/null
refuse fetch app.test 2>/dev/null
event_is 3 close_reason=ip_denied
[[ $(api GET "/endpoints/$id" | jq -r .updated_at) != *.000000Z ]] || fail "changed at a whole second, which may be before it was made"
cli endpoint set "$id" --unset cidr-deny --unset --cidr-allow --description '' >/dev/null
same "page again" "$(fetch app.test)" "hello from python"
# changes by many at once, then kill -9: what was answered last is what there is
changes=()
for i in 1 2 3 4 5 6 7 8; do
	cli endpoint set "$id" --description "d$i" >/dev/null &
	changes+=($!)
done
for pid in "${changes[@]}"; do wait "$pid" || fail "a change was refused"; done
api GET "/endpoints/$id" | jq -S 'del(.metrics)' >"$TMP/before"
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null || true
start_again
api GET "/endpoints/$id" | jq -S 'del(.metrics)' | diff - "$TMP/before" || fail "not the same after kill -9"
jq -e '.updated_at > .created_at' "$TMP/before" >/dev/null || fail "changed when it was made: $(cat "$TMP/before")"
grep -q '"description": "d[1-8]"' "$TMP/before" || fail "$(cat "$TMP/before")"
