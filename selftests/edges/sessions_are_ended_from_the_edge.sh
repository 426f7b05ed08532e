# edges/sessions_are_ended_from_the_edge.sh - Sessions are listed, stopped and restarted from the edge; a credential has no more sessions and endpoints than it may, its rules change for sessions there are, and revoking it ends them at once, with their connections if asked.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel
# Timeout: 240
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need python3 jq curl openssl
start_upstream nginx 9001
python3 selftests/fixtures/members.py serve "$UP" 9002 here &
wait_for listening 9002
start_edge </dev/null
api() { curl -sS --unix-socket "$TMP/control.sock" -X "$1" ${3:+-d "$3"} -w '\n%{http_code}' "http://x$2"; } # METHOD PATH [BODY]
code() { api "$@" | jq -rs '"\(.[1]) \(.[0].error_code // "")"'; }
load() { python3 selftests/fixtures/members.py load "$EDGE" 443 "$1" "$2" 0 | jq -c .; } # NAME N
sessions() { [ "$(cli --json session list | jq '.tunnel_sessions | length')" = "$1" ]; }
session_of() { cli --json session list | jq -r --arg m "$1" '.tunnel_sessions[] | select(.metadata == $m).id'; } # METADATA
token() { cli --json authtoken add "$@"; }
is_open() { [ "$(cli --json conn list | jq '[.connections[] | select(.state == "open")] | length')" = "$1" ]; }
# revoke PATH: prints how many ms it took, less what a request that changes nothing does on this machine,
# how many sessions there are right then, and what it said
revoke()
{
	python3 - "$TMP/control.sock" "$1" <<-'PY'
		import http.client, json, socket, sys, time
		def ask(method, path):
		    c = http.client.HTTPConnection("x")
		    c.sock = socket.socket(socket.AF_UNIX)
		    c.sock.connect(sys.argv[1])
		    begin = time.monotonic()
		    c.request(method, path)
		    said = c.getresponse().read().decode()
		    return (time.monotonic() - begin) * 1000, said
		idle = max(ask("GET", "/tunnel_sessions")[0] for _ in range(3))
		took, said = ask("DELETE", sys.argv[2])
		left = len(json.loads(ask("GET", "/tunnel_sessions")[1])["tunnel_sessions"])
		print(round(max(0, took - idle)), left, said.replace(" ", "") or "-")
	PY
}
hold() { in_client_exec openssl s_client -quiet -connect "$EDGE:443" -servername "$1" </dev/null >/dev/null 2>&1 & held=$!; } # NAME: a connection that lasts

mkdir -p "$TMP/.config/snisplit"
printf 'version: 2\nmetadata: one\n' >"$TMP/.config/snisplit/snisplit.yml"
start_agent a tls "$UP:9002" --url a.test
one=$AGENT
wait_for is_ready a.test
printf 'version: 2\nmetadata: two\n' >"$TMP/.config/snisplit/snisplit.yml"
start_agent b tls "$UP:9002" --url b.test
two=$AGENT
wait_for sessions 2
wait_for is_ready b.test
id=$(session_of one)
cli session list >"$TMP/list"
grep -q "$id .*one" "$TMP/list" || fail "$(cat "$TMP/list")"
same "get" "$(cli --json session get "$id" | jq -r '"\(.metadata) \(.endpoints) \(.transport)"')" "one 1 snisplit/1"
# whose an endpoint is
cli endpoint add c.test --upstream "$UP:9002" >/dev/null
for case in "a.test one" "b.test two"; do
	same "session of ${case% *}" "$(cli --json endpoint get "${case% *}" | jq -c .tunnel_session)" \
		"{\"id\":\"$(session_of "${case#* }")\",\"uri\":\"/tunnel_sessions/$(session_of "${case#* }")\"}"
done
same "listed" "$(cli --json endpoint list | jq -r '[.endpoints[] | "\(.host) \(.tunnel_session.id)"] | sort | join(" ")')" \
	"a.test $id b.test $(session_of two) c.test null"
cli endpoint get a.test | grep -q "^tunnel_session.id *$id\$" || fail "$(cli endpoint get a.test)"
cli endpoint rm c.test >/dev/null

# restart: the same process, a new session, the endpoint is back
cli session restart "$id" >/dev/null
is_back() { [ -n "$(session_of one)" ] && [ "$(session_of one)" != "$id" ] && is_ready a.test; }
wait_for is_back
kill -0 "$one" || fail "the agent is gone"
same "serves again" "$(load a.test 3)" '{"here":3}'
same "the old id" "$(code POST "/tunnel_sessions/$id/restart")" "404 "
# stop: it does not come back, and ends well
same "stop by curl" "$(api POST "/tunnel_sessions/$(session_of one)/stop" '{}' | tail -n 1)" 204
wait "$one" || fail "exit status $? of an agent that was stopped"
agent_says a ERR_SNISPLIT_9003 || fail "$(cat "$TMP/agent.a.log")"
wait_for sessions 1
refuse cli endpoint get a.test 2>/dev/null

# limits
made=$(token --max-sessions 1 --max-endpoints 2)
cr=$(jq -r .id <<<"$made")
SNISPLIT_AUTHTOKEN=$(jq -r .token <<<"$made")
export SNISPLIT_AUTHTOKEN
same "shown" "$(cli --json authtoken list | jq -c --arg id "$cr" '.credentials[] | select(.id == $id) | [.max_sessions, .max_endpoints]')" "[1,2]"
start_agent c tls "$UP:9002" --url c.test
three=$AGENT
wait_for is_ready c.test
start_agent d tls "$UP:9002" --url d.test
wait "$AGENT" && fail "a second session was let in"
agent_says d ERR_SNISPLIT_108 || fail "$(cat "$TMP/agent.d.log")"
cli authtoken set "$cr" --max-sessions 2 >/dev/null
start_agent e tls "$UP:9002" --url e.test
four=$AGENT
wait_for is_ready e.test
cat >"$TMP/two.yml" <<-CONF
	version: 2
	tunnels:
	  f: {proto: tls, addr: "$UP:9002", domain: f.test}
	  g: {proto: tls, addr: "$UP:9002", domain: g.test}
CONF
stop_agent "$four"
start_agent f start --all --config "$TMP/two.yml"
wait "$AGENT" && fail "three endpoints of two were let in"
agent_says f ERR_SNISPLIT_324 || fail "$(cat "$TMP/agent.f.log")"
stop_snisplitd KILL
start_again
same "limits after kill -9" "$(api GET "/credentials/$cr" | jq -cs '[.[0].max_sessions, .[0].max_endpoints]')" "[2,2]"
wait_for is_ready c.test
same "a limit" "$(code PATCH "/credentials/$cr" '{"max_sessions": 0}')" "400 "
same "no limit" "$(code PATCH "/credentials/$cr" '{"max_sessions": null, "max_endpoints": null, "acl": ["bind:*.allowed.test"], "description": "d"}')" "200 "
start_agent g tls "$UP:9002" --url no.test
wait_for agent_says g ERR_SNISPLIT_316
same "a rule" "$(code PATCH "/credentials/$cr" '{"acl": ["nonsense"]}')" "400 ERR_SNISPLIT_600"
same "none such" "$(code PATCH /credentials/cr_no '{}')" "404 "

# revoked: the session ends, connections go on; with --kill they end too
kill -0 "$three" || fail "the agent that was there before its rules changed is gone"
stop_agent "$three"
cli authtoken set "$cr" --acl 'bind:*' >/dev/null
start_agent h tls "$UP:9001" --url h.test
wait_for is_ready h.test
hold h.test
wait_for is_open 1
# (the agent that is being ended, and that of two)
wait_for sessions 2
read -r ms left _ <<<"$(revoke "/credentials/$cr")"
echo "revoked in $ms ms"
[ "$ms" -lt 1000 ] || fail "it took $ms ms"
same "sessions right after" "$left" 1
wait_for agent_says h ERR_SNISPLIT_300
refuse cli endpoint get h.test 2>/dev/null
is_open 1 || fail "its connection did not go on"
kill "$held"
wait "$AGENT" && fail "an agent whose credential is gone ended well"
wait_for sessions 1
made=$(token)
SNISPLIT_AUTHTOKEN=$(jq -r .token <<<"$made")
start_agent i tls "$UP:9001" --url i.test
wait_for is_ready i.test
hold i.test
is_held() { [ "$(cli --json conn list --endpoint i.test | jq '[.connections[] | select(.state == "open")] | length')" = 1 ]; }
wait_for is_held
read -r ms left said <<<"$(revoke "/credentials/$(jq -r .id <<<"$made")?kill=1")"
answered=$EPOCHREALTIME
same "killed" "$said" '{"connections_killed":1}'
echo "revoked with its connections in $ms ms"
[ "$ms" -lt 1000 ] || fail "it took $ms ms"
same "sessions right after" "$left" 1
killed() { jq -e 'select(.object.close_reason == "killed" and .object.conn.server_name == "i.test")' "$EVENTS" >/dev/null; }
wait_for killed
jq -se --argjson until "${answered/,/.}" 'map(select(.object.close_reason == "killed")) | last | .object.conn.end_ts |
	sub("\\.[0-9]+"; "") | fromdate | . <= $until + 1' "$EVENTS" >/dev/null || fail "its connection lasted"
stop_agent "$two"
