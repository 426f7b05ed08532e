# edges/dead_upstream_gets_nothing.sh - Of several upstreams one that fails its health checks, by TCP or by a TLS hello, gets no connection until it answers again; status, metrics and the log say why.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
need python3 jq curl openssl
M=selftests/fixtures/members.py
for tag in 1 2; do
	python3 $M serve "$UP" 900$tag $tag &
	pid[tag]=$!
	wait_for listening 900$tag
done
start_upstream openssl 9003
tls=$UPSTREAM_PID
start_snisplitd <<-CONF
	http: 127.0.0.1:4041
	events: [{file: $EVENTS}, {file: $TMP/state.ndjson, type: upstream_state_changed.v0}]
	endpoints:
	  - {url: "tls://app.test", upstream: "$UP:9001,$UP:9002", health_check: tcp, health_interval: 200ms, health_rise: 2, health_fall: 2}
	  - {url: "tls://openssl.test", upstream: "$UP:9001, $UP:9003", health_check: tls, health_interval: 500ms}
CONF
state() { cli --json status | jq -r ".upstreams[] | select(.endpoint == \"$1\" and .address == \"$UP:$2\") | .state"; }
is() { [ "$(state "$1" "$2")" = "$3" ]; }
load() { python3 $M load "$EDGE" 443 app.test 200 0; }
load | jq -e '."1" == 100 and ."2" == 100' >/dev/null || fail "not even: $(load)"

# what speaks no TLS is dead to a TLS check, and alive to a TCP check
wait_for is openssl.test 9001 dead
is openssl.test 9003 alive || fail "$(cli status)"
cli status >"$TMP/status"
grep -q "openssl.test .*$UP:9001 .*dead .*it does not answer in TLS" "$TMP/status" || fail "$(cat "$TMP/status")"
for _ in 1 2 3 4; do same page "$(fetch openssl.test)" 'hello from openssl'; done
is app.test 9001 alive || fail "a TCP check failed"

kill -STOP "${pid[2]}" # its kernel still accepts: for a TCP check it is alive
is app.test 9002 alive || fail "stopped: $(state app.test 9002)"
kill -9 "${pid[2]}"
wait_for is app.test 9002 dead
same "all to the other" "$(load)" '{"1": 200}'
curl -s http://127.0.0.1:4041/metrics >"$TMP/metrics"
grep -q "snisplit_upstream_up{endpoint=\"app.test\",.*upstream=\"$UP:9002\"} 0" "$TMP/metrics" || fail "no metric"
grep -q "upstream $UP:9002 is dead: Connection refused" "$TMP/snisplitd.log" || fail "nothing in the log"
said() { jq -r 'select(.event_type == "upstream_state_changed.v0").object | [.server_name, .upstream_addr, .state, .reason // ""] | join(" ")' "$TMP/state.ndjson"; }
wait_for eval 'said | grep -q "^app.test $UP:9002 dead Connection refused$"'
refuse grep -q upstream_state_changed "$EVENTS"
same "in endpoint get" "$(cli --json endpoint get app.test | jq -r '.upstreams[1].reason')" 'Connection refused'

dialled() { cli --json status | jq '[.counters[] | select(.name == "dial_refused") | .value] | add'; }
same "dials refused" "$(n=$(dialled); load >/dev/null; echo $(($(dialled) - n)))" 0
python3 $M serve "$UP" 9002 2 &
wait_for is app.test 9002 alive
wait_for eval 'said | grep -q "^app.test $UP:9002 alive $"'
load | jq -e '.lost == null and ."2" > 50' >/dev/null || fail "it gets nothing, although it is alive"
kill "$tls"
