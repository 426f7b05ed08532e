# passthrough/stalled_streams_stop_nobody.sh - Beside streams that stand still, a daemon that is stopped in the middle of its work, again and again and for longer than it waits between two looks at them, goes on with all others.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel
. "$LIB"
need jq
start_upstream stream 9000
start_snisplitd <<-CONF
	workers: 1
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
CONF
for i in 1 2 3 4; do
	in_client_exec "$HELPERS/stream" client --connect "$EDGE:443" --name app.test --up 1g --server-hold --blocked-after 500 \
		--timeout 60 --report "$TMP/stalled.$i" >"$TMP/out.$i" 2>/dev/null &
done
for i in 1 2 3 4; do wait_for 30 grep -q ^blocked "$TMP/out.$i"; done
# turns that are long enough to be stopped in
in_client_exec "$HELPERS/stream" client --connect "$EDGE:443" --name app.test --up 1k --down 1k --conns 100000 --parallel 16 \
	--timeout 30 --report "$TMP/busy" >"$TMP/busy.out" 2>&1 &
busy=$!
for _ in $(seq 120); do
	kill -STOP "$DAEMON"
	sleep 0.04
	kill -CONT "$DAEMON"
	sleep 0.0$((RANDOM % 3 + 1))
done
kill -0 $busy || fail "what kept it busy has ended: $(cat "$TMP/busy.out")"
kill $busy
# (its report has what the killed ones had sent, too)
out=$(in_client "$HELPERS/stream" client --connect "$EDGE:443" --name app.test --up 1m --down 1m --timeout 10 --report "$TMP/stream.report" 2>/dev/null) || true
same "streams that were whole" "$(jq .ok <<<"$out")" 1
