# passthrough/reader_that_never_reads_bounds_memory.sh - When 1 GB is offered to a reader that does not read, memory stays bounded, the sender blocks, and a later drain is complete.
# Alone: it measures the memory of all sockets of the machine
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath topology=lo,veth
# Timeout: 120
. "$LIB"
need jq
start_upstream stream 9000
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
	timeouts: {idle: 5m}
CONF
tcp_mem_kb() { awk '/^TCP:/ {print $NF * 4}' /proc/net/sockstat; } # of the whole machine
before=$(tcp_mem_kb) rss=$(daemon_rss_kb)
in_client_exec "$HELPERS/stream" client --connect "$EDGE:443" --name app.test --up 1g --server-hold --blocked-after 1500 \
	--timeout 60 --report "$TMP/stream.report" >"$TMP/out" 2>"$TMP/stream.log" &
client=$!
wait_for 40 grep -q ^blocked "$TMP/out"
sent=$(sed -n 's/^blocked.*sent=//p' "$TMP/out" | head -n 1)
used=$(($(tcp_mem_kb) - before)) grown=$(($(daemon_rss_kb) - rss))
echo "blocked after $((sent >> 20)) MB; TCP memory +$((used >> 10)) MB, daemon +$((grown >> 10)) MB"
[ "$sent" -lt 400000000 ] || fail "$sent bytes were swallowed"
[ "$used" -lt 300000 ] || fail "$used kB of socket memory"
[ "$grown" -lt 40000 ] || fail "the daemon grew by $grown kB"
stream app.test --up 5m --down 5m --seed 2 # others go on
kill -USR1 "$UPSTREAM_PID"
wait $client || fail "the drain: $(cat "$TMP/out")"
event_is 2 datapath="$MOVER" close_reason=client_fin conn.bytes_in="$(tail -n 1 "$TMP/out" | jq .bytes_up)"
