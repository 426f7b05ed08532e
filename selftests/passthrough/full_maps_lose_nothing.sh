# passthrough/full_maps_lose_nothing.sh - With `sockets` or `slots` full, connections are carried by user space and counted, lose no byte, and when there is room again the kernel carries them.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel topology=lo
# Timeout: 120
. "$LIB"
need jq cc bpftool curl
cc -shared -fPIC -O1 -o "$TMP/small.so" "$LIB_DIR/fixtures/small_maps.c" -ldl
start_upstream stream 9000
full() { cli --json status | jq ".counters[] | select(.name == \"full_$1\").value"; }
by() { jq -r .object.datapath "$EVENTS" | grep -cx "$1" || true; } # how many connections took this datapath
empty() { [ "$(map_entries "$1")" = 0 ]; }

seed=0
for map in sockets slots; do
	rm -f "$EVENTS"
	# (odd: there is room for one end of a connection, and not for the other)
	start_snisplitd env LD_PRELOAD="$TMP/small.so" SMALL_MAPS="$map=21" <<-CONF
		endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
		pool: {max_idle: 2}
		http: "127.0.0.1:4041"
	CONF
	same "$map at first" "$(full $map)" 0
	stream app.test --conns 5 --parallel 1 --up 300k --down 300k --polite --seed $((seed += 1))
	same "$map: full, with 5" "$(full $map)" 0
	wait_for has_events 5
	same "$map: with 5" "$(by kernel)" 5
	stream app.test --conns 60 --parallel 60 --up 300k --down 300k --polite --read-rate 600 --server-read-rate 600 --timeout 60 --seed $((seed += 1))
	wait_for has_events 65
	echo "$map: full $(full $map) times: $(jq -r .object.datapath "$EVENTS" | sort | uniq -c | xargs)"
	[ "$(full $map)" -ge 39 ] || fail "$map was not full"
	# each socket is put once, with some warm ones: nobody tries again and again
	[ "$(full $map)" -le 200 ] || fail "$map was tried $(full $map) times"
	[ "$(by splice)" -ge 20 ] || fail "$map: nothing by splice"
	same "$map: reasons" "$(jq -r .object.close_reason "$EVENTS" | sort | uniq -c | xargs)" "65 client_fin"
	# resets with no room, and in any order
	stream app.test --conns 120 --parallel 60 --random --seed $((seed += 1)) --timeout 60
	wait_for eval '[ "$(live_conns)" = 0 ]'
	# room again
	before=$(full $map)
	rm -f "$EVENTS"
	kill -USR1 "$DAEMON"
	wait_for test -e "$EVENTS"
	for i in 1 2 3; do
		stream app.test --polite --up 100k --down 100k --seed $((seed += 1))
		event_is "$i" datapath=kernel close_reason=client_fin
	done
	same "$map: full, with room" "$(full $map)" "$before"
	grep -qx "snisplit_full_total{reason=\"full_$map\"} $before" <<<"$(curl -sS http://127.0.0.1:4041/metrics)" || fail "no metric"
	stop_snisplitd
done
