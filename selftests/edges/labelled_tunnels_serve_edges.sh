# edges/labelled_tunnels_serve_edges.sh - Tunnels without a name serve the edges that ask for their labels, all those that have them and evenly, in the kernel; who joins or leaves takes no connection with him, with none the name is offline but held, and credentials say which labels one may have.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need python3 jq curl openssl
M=selftests/fixtures/members.py
for tag in 1 2 3; do
	python3 $M serve "$UP" 900$tag $tag &
	wait_for listening 900$tag
done
start_edge <<-CONF
	base_domain: edge.test
	endpoints: [{url: "tls://*.test", upstream: "$UP:9003"}]
CONF
api() { curl -sS --unix-socket "$TMP/control.sock" -X "$1" ${3:+-d "$3"} -w '\n%{http_code}' "http://x$2"; } # METHOD PATH [BODY]
code() { api "$@" | jq -rs '"\(.[1]) \(.[0].error_code // "")"'; }
load() { python3 $M load "$EDGE" 443 "$1" "$2" 0 | jq -c --sort-keys .; } # NAME N
group=$(cli backend create tunnel_group --label app=foo)
[[ $group = bkdtg_* ]] || fail "id '$group'"
west=$(cli backend create tunnel_group --label app=foo --label dc=west)
edge=$(cli edge create --hostport app.test:443 --backend "$group" | cut -d' ' -f1)
cli edge create --hostport west.test:443 --backend "$west" >/dev/null
same "nobody there: the wildcard has it" "$(load app.test 3)" '{"3":3}'
cli endpoint add tls://app.test --upstream "$UP:9003" 2>"$TMP/err" && fail "the name was given away"
grep -q ERR_SNISPLIT_381 "$TMP/err" || fail "$(cat "$TMP/err")"

has() { [ "$(cli --json endpoint get "$1" | jq '.upstreams | length')" = "$2" ]; } # NAME TUNNELS
start_agent a tunnel --label app=foo --label dc=west "$UP:9001"
first=$AGENT
wait_for has app.test 1
wait_for has west.test 1
same "one" "$(load app.test 20)" '{"1":20}'
start_agent b tunnel --label app=foo --label dc=east "$UP:9002"
start_agent c tunnel --label app=other "$UP:9003"
wait_for has app.test 2
out=$(load app.test 400)
jq -e '."1" >= 195 and ."2" >= 195 and (keys | length) == 2' <<<"$out" >/dev/null || fail "not even: $out"
[ "$DATAPATH" = userspace ] || [ "$(counter start_kernel)" -gt 50 ] || fail "the kernel picked $(counter start_kernel) only"
same "a superset only" "$(load west.test 10)" '{"1":10}'
same "tunnels" "$(cli --json backend get "$group" | jq -c '[.tunnels[].labels.dc] | sort')" '["east","west"]'
same "tunnels of both" "$(cli --json backend get "$west" | jq -c '[.tunnels[].forwards_to]')" "[\"$UP:9001\"]"
same "state" "$(cli --json endpoint get app.test | jq -c '[.upstreams[] | .state] | unique')" '["alive"]'

# one joins and two leave, one of them without a word, under load
before=$(event_count)
served() { has_events $((before + $1)); }
python3 $M load "$EDGE" 443 app.test 600 150 >"$TMP/out" &
load=$!
wait_for 30 served 50
start_agent d tunnel --label app=foo "$UP:9003"
wait_for has app.test 3
wait_for 30 served 200
kill -9 "$first"
wait_for has app.test 2
wait_for 30 served 350
stop_agent "$AGENT"
wait_for has app.test 1
wait "$load"
cat "$TMP/out"
jq -e '."1" > 0 and ."2" > 0' "$TMP/out" >/dev/null || fail "who was there got nothing: $(cat "$TMP/out")"
# lost is only what the one that was killed had in hand
wait_for has_events $((before + 600))
lost=$(jq '.lost // 0' "$TMP/out")
silent=$(tail -n +$((before + 1)) "$EVENTS" | jq -s '[.[].object | select(.conn.bytes_out == 0 and (.close_reason | IN("upstream_fin", "upstream_rst")))] | length')
[ "$lost" -le "$silent" ] || fail "$lost lost, of which $silent only had reached an agent"
same "who is left" "$(load app.test 20)" '{"2":20}'
same "west is empty: the wildcard" "$(load west.test 3)" '{"3":3}'

# TLS ends at one edge, another passes it on; a header tells who comes
printf 'from plain\n' >"$TMP/page"
python3 -m http.server --bind "$UP" --directory "$TMP" 9000 2>/dev/null &
wait_for listening 9000
start_agent e tunnel --label 'site=e' "$UP:9000"
ends=$(cli edge create --hostport ends.test:443 --backend "$(cli backend create tunnel_group --label site=e)" --terminate-at edge | cut -d' ' -f1)
wait_for has ends.test 1
get() { in_client curl -sSk --max-time 10 --connect-to "$1:443:$EDGE:443" "https://$1/page"; }
same "TLS ends at the edge" "$(get ends.test)" "from plain"
cli edge set "$ends" --min-version 1.3 >/dev/null
same "a change of the edge" "$(get ends.test)" "from plain"

# weighted and failover of any kind
tail=$(cli backend create static --address "$UP:9003")
order=$(cli backend create failover --backend "$west" --backend "$tail")
cli edge set "$edge" --backend "$order" >/dev/null
same "failover, nobody in the first" "$(load app.test 10)" '{"3":10}'
start_agent f tunnel --label app=foo --label dc=west "$UP:9001"
wait_for has app.test 2
same "failover" "$(load app.test 10)" '{"1":10}'
mix=$(cli backend create weighted --backend "$order=1" --backend "$group=3")
cli edge set "$edge" --backend "$mix" >/dev/null
out=$(load app.test 400)
jq -e '."1" > 240 and ."1" < 260 and ."2" > 140 and ."2" < 160 and (keys | length) == 2' <<<"$out" >/dev/null || fail "weighted of failover and tunnels (1: 1/4 + 3/8, 2: 3/8): $out"
same "in itself" "$(code PATCH "/backends/failover/$order" "{\"backends\": [\"$mix\"]}")" "400 "
cli backend rm "$west" 2>"$TMP/err" && fail "removed while named"
same "labels" "$(code POST /backends/tunnel_group '{"labels": {"a b": "c"}}')" "400 "

# an edge of nothing: a name and a label of its own
cli edge create >"$TMP/new"
read -r new name <"$TMP/new"
[[ $name = *.edge.test:443 ]] || fail "no name: $(cat "$TMP/new")"
start_agent g tunnel --label "edge=$new" "$UP:9001"
wait_for has "${name%:443}" 1
same "the edge's own" "$(load "${name%:443}" 3)" '{"1":3}'

# credentials, and what is not for labels
SNISPLIT_AUTHTOKEN=$(cli authtoken add --acl 'bind:app=*' --acl bind:dc=east 2>/dev/null)
export SNISPLIT_AUTHTOKEN
start_agent h tunnel --label app=x --label dc=east "$UP:9001"
wait_for agent_says h "endpoint online"
start_agent i tunnel --label app=x --label dc=west "$UP:9001"
wait_for agent_says i ERR_SNISPLIT_399
start_agent j tls "$UP:9001" --url no.test
wait_for agent_says j ERR_SNISPLIT_316
same "a rule" "$(code POST /credentials '{"acl": ["bind:a b=c"]}')" "400 ERR_SNISPLIT_600"
refuse "$O/snisplit" tunnel "$UP:9001" 2>"$TMP/err"
grep -q ERR_SNISPLIT_394 "$TMP/err" || fail "$(cat "$TMP/err")"
cat >"$TMP/agent.yml" <<-CONF
	version: 2
	tunnels:
	  k: {labels: ["app=y", "dc=east"], addr: "$UP:9001"}
CONF
start_agent k start k --config "$TMP/agent.yml"
wait_for agent_says k "app=y, dc=east"
echo '  l: {labels: ["a=b"], proto: tls, addr: 1}' >>"$TMP/agent.yml"
refuse "$O/snisplit" config check --config "$TMP/agent.yml" 2>"$TMP/err"
grep -q 'exclude each other' "$TMP/err" || fail "$(cat "$TMP/err")"
