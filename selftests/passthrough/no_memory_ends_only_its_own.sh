# passthrough/no_memory_ends_only_its_own.sh - While one allocation in ten fails, connections may be refused but streams that are open lose nothing, and afterwards all is as before.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 200
. "$LIB"
need jq cc
cc -shared -fPIC -O1 -o "$TMP/scarce.so" "$LIB_DIR/fixtures/scarce.c"
printf '\0\0' >"$TMP/scarce"
start_upstream stream 9000
start_upstream python 9001
start_snisplitd env LD_PRELOAD="$TMP/scarce.so" SCARCE="$TMP/scarce" <<-CONF
	endpoints:
	  - {url: "tls://app.test", upstream: "$UP:9000"}
	  - {url: "tls://python.test", upstream: "$UP:9001"}
CONF
stream app.test --up 2m --down 2m --read-rate 700 --server-read-rate 700 --conns 10 --parallel 10 --timeout 60 &
client=$!
wait_for eval '[ "$(live_conns)" = 10 ]'
printf '\12' | dd of="$TMP/scarce" conv=notrunc status=none
served=0
for _ in {1..60}; do [ "$(fetch python.test --max-time 3 2>/dev/null)" != "hello from python" ] || served=$((served + 1)); done
printf '\0' | dd of="$TMP/scarce" conv=notrunc status=none
echo "served $served of 60"
wait $client || fail "an open stream was hurt: $(cat "$TMP/stream.log")"
for _ in {1..5}; do same "the page" "$(fetch python.test)" "hello from python"; done
wait_for eval '[ "$(live_conns)" = 0 ]'
cli --json status | jq -c '[.counters[] | select(.value > 0 and (.name | test("failed|internal|enrolled"))) | {(.name): .value}]'
# one that could not even be held is counted apart; an event that could not be written down is lost
same "events and lost ones" "$(($(event_count) + $(cli --json status | jq .events.lost)))" \
	"$(cli --json status | jq '[.counters[] | select(.name == "accepted") | .value] | add')"
stop_snisplitd
