# passthrough/stalled_readers_leave_memory_to_others.sh - So many readers that do not read that their streams would take all of TCP's memory get less each; others go on, and a later drain is complete.
# Alone: it takes half of the memory that TCP has on this machine
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel
# Timeout: 240
. "$LIB"
need jq
# where the kernel begins to press, as it sets that at boot (tcp_mem is not shown to this namespace)
low=$(awk '/^MemTotal:/ {print int($2 / 16 / 4 * 3)}' /proc/meminfo) # kB
[ "$low" -lt 4000000 ] || skip "$low kB is too much to fill"
conns=$((low / 36000)) # of 33 MB on the way and 4 MB received each, and the client has 3 MB of its own
start_upstream stream 9000
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
	timeouts: {idle: 5m}
CONF
in_client_exec "$HELPERS/stream" client --connect "$EDGE:443" --name app.test --up 48m --server-hold --blocked-after 1500 \
	--conns "$conns" --parallel "$conns" --timeout 100 --report "$TMP/stream.report" >"$TMP/out" 2>"$TMP/stream.log" &
client=$!
all_blocked() { [ "$(grep ^blocked "$TMP/out" | sort -u -k 2,2 | wc -l)" = "$conns" ]; }
wait_for 90 all_blocked
# what the sockets of this namespace have in their queues, read and to be sent
used=$(ss -tinmH | grep -o 'skmem:(r[0-9]*\|,w[0-9]*' | tr -dc '0-9\n' | awk '{n += $1} END {print int(n / 1024)}')
echo "$conns streams stand, with $((used >> 10)) MB in their sockets, TCP has $((low >> 10)) MB; $(counter pass_memory) segments had to wait for that"
[ "$used" -lt "$low" ] || fail "$used kB of $low kB"
[ "$(counter pass_memory)" -gt 0 ] || fail "no segment had to wait"
stream app.test --up 5m --down 5m --seed 2 # others go on
kill -USR1 "$UPSTREAM_PID"
wait $client || fail "the drain: $(tail -n 1 "$TMP/out")"
wait_for has_events $((conns + 1))
same "how they ended" "$(jq -r .object.close_reason "$EVENTS" | sort -u)" client_fin
