# edges/wildcard_takes_what_the_dead_cannot.sh - A name whose upstreams health checks found dead, alone or shared, is offline: the longest wildcard that is alive takes it, until it is back; with none alive somebody tries.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 90
. "$LIB"
need python3 jq
M=selftests/fixtures/members.py
declare -A pid
member() # TAG PORT
{
	python3 $M serve "$UP" "$2" "$1" &
	pid[$1]=$!
	wait_for listening "$2"
}
kill_member() { kill -9 "${pid[$1]}"; wait "${pid[$1]}" 2>/dev/null || true; }
are_dead() { [ "$(cli --json status | jq '[.upstreams[] | select(.state == "dead")] | length')" = "$1" ]; } # HOW-MANY
gets() # NAME TALLY: of ten connections
{
	same "$1" "$(python3 $M load "$EDGE" 443 "$1" 10 0 | jq -c --sort-keys .)" "$2"
}
check="health_check: tcp, health_interval: 100ms, health_rise: 1, health_fall: 2"
for tag in exact one two near far; do
	case $tag in exact) port=9001 ;; one) port=9002 ;; two) port=9003 ;; near) port=9004 ;; far) port=9005 ;; esac
	member $tag $port
done
start_snisplitd <<-CONF
	endpoints:
	  - {url: "tls://a.b.test", upstream: "$UP:9001", $check}
	  - {url: "tls://c.b.test", upstream: "$UP:9002", pooling_enabled: true, $check}
	  - {url: "tls://c.b.test", upstream: "$UP:9003", pooling_enabled: true, $check}
	  - {url: "tls://*.b.test", upstream: "$UP:9004", $check}
	  - {url: "tls://*.test", upstream: "$UP:9005"}
CONF
gets a.b.test '{"exact":10}'
gets c.b.test '{"one":5,"two":5}'
kill_member exact
wait_for are_dead 1
gets a.b.test '{"near":10}'
kill_member one
wait_for are_dead 2
gets c.b.test '{"two":10}'
kill_member two
wait_for are_dead 3
gets c.b.test '{"near":10}'
kill_member near
wait_for are_dead 4
gets a.b.test '{"far":10}'
same "listed all the same" "$(cli --json endpoint get a.b.test | jq -r '.upstreams[0].state')" dead
cli endpoint add tls://a.b.test --upstream "$UP:1" 2>/dev/null && fail "a name that is offline was given away"
member near 9004
wait_for are_dead 3
gets a.b.test '{"near":10}'
member exact 9001
wait_for are_dead 2
gets a.b.test '{"exact":10}'

# nobody is alive: somebody has to try
cli endpoint add tls://alone.example --upstream "$UP:9009" --health-check tcp --health-interval 100ms --health-fall 1 >/dev/null
wait_for are_dead 3
member late 9009
python3 $M load "$EDGE" 443 alone.example 1 0 >"$TMP/out"
jq -e '.late == 1' "$TMP/out" >/dev/null || fail "$(cat "$TMP/out")"
kill "${pid[@]}" 2>/dev/null || true
