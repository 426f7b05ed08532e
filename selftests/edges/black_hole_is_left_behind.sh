# edges/black_hole_is_left_behind.sh - A member that answers no connect costs a connection no more than the dial's timeout, then the next has it; the others do not wait for it, and with health checks nobody does.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 60
. "$LIB"
need python3 jq
M=selftests/fixtures/members.py
python3 $M serve "$UP" 9002 good &
wait_for listening 9002
python3 selftests/fixtures/black_hole.py "$UP" 9001 >"$TMP/hole" &
wait_for grep -q full "$TMP/hole"
start_snisplitd <<-CONF
	timeouts: {connect: 2s}
	endpoints:
	  - {url: "tls://order.test", upstream: "$UP:9001,$UP:9002", balance: failover}
	  - {url: "tls://pool.test", upstream: "$UP:9001", pooling_enabled: true}
	  - {url: "tls://pool.test", upstream: "$UP:9002", pooling_enabled: true}
	  - {url: "tls://alone.test", upstream: "$UP:9001"}
CONF
load() { python3 $M load "$EDGE" 443 "$1" "$2" 0; }
begin=${EPOCHREALTIME/./}
same "failover" "$(load order.test 1)" '{"good": 1}'
took=$(((${EPOCHREALTIME/./} - begin) / 1000))
echo "failover after $took ms"
((took >= 1900)) || fail "it was not tried for long enough: $took ms"
event_is 1 upstream_addr="$UP:9002" close_reason="upstream_fin|client_fin"
# how it is now one connection finds out, not all
same "those that follow" "$(load order.test 20)" '{"good": 20}'
wait_for has_events 21
slow=$(jq -s 'map(select(.object.timing_us.first_upstream_byte > 1900000)) | length' "$EVENTS")
[ "$slow" -le 3 ] || fail "$slow waited for it"
same "pool" "$(load pool.test 20)" '{"good": 20}'
same "nobody else" "$(load alone.test 1)" '{"lost": 1}'
event_is 42 close_reason=upstream_timeout

cli endpoint add tls://checked.test --upstream "$UP:9001,$UP:9002" --balance failover --health-check tcp --health-interval 200ms --health-fall 1 >/dev/null
is_dead() { [ "$(cli --json endpoint get checked.test | jq -r '.upstreams[0].state')" = dead ]; }
wait_for is_dead
same "why" "$(cli --json endpoint get checked.test | jq -r '.upstreams[0].reason')" "no connection in time"
same "checked" "$(load checked.test 20)" '{"good": 20}'
wait_for has_events 62
same "waited for what is known to be dead" "$(jq -s '.[42:] | map(select(.object.timing_us.first_upstream_byte > 1900000)) | length' "$EVENTS")" 0
