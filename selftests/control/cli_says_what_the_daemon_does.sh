# control/cli_says_what_the_daemon_does.sh - Every verb of the CLI works on a live connection: list, get, conn list, status, events; --json is the API's reply.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need jq curl
api() { curl -sS --unix-socket "$TMP/control.sock" "http://x$1" "${@:2}"; }
start_upstream stream 9000
start_snisplitd <<-CONF
	endpoints: [{url: "tls://file.test", upstream: "$UP:9000"}]
CONF
read -r id url <<<"$(cli endpoint add App.Test. --upstream "$UP:9000" --name=shop --description 'a "b"')"
[[ $id == ep_* ]] || fail "id '$id'"
same url "$url" tls://app.test
same origin "$(cli endpoint list | awk '$2 == "tls://file.test" {print $NF}')" file
same "get by id" "$(cli --json endpoint get "$id" | jq -r .name)" shop
same "get by name" "$(cli endpoint get app.test | awk '$1 == "description"')" 'description           a "b"'
same "--json" "$(cli endpoint list --json | jq -S 'del(..|.metrics?)')" "$(api /endpoints | jq -S 'del(..|.metrics?)')"

stream app.test --up 1k --down 2k --seed 1
event_is 1 endpoint_id="$id" conn.server_name=app.test
n=$(cli endpoint get "$id" | awk '$1 == "metrics.conns.count" {print $2}')
same "connections counted" "$n" 1
grep -q "^connections  0 active, 1 in all" <<<"$(cli status)" || fail "$(cli status)"
same "the event" "$(cli --json events | jq -r .event_id)" "$(jq -r .event_id "$EVENTS")"
same "since the future" "$(cli events --since 2099-01-01T00:00:00Z)" ''
grep -q ' app.test .* client_fin\| app.test .* upstream_fin' <<<"$(cli events --since 1h)" || fail "$(cli events)"

cli endpoint rm app.test
refuse cli endpoint get app.test 2>/dev/null
