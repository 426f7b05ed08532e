# passthrough/churn_leaves_nothing.sh - Thousands of connections a second that end early in every state leave no map entry, slot, descriptor or connection, and one event each.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 200
# Alone: the rate is the point
. "$LIB"
need jq bpftool
ip link set lo mtu 65536
sysctl -q -w net.ipv4.ip_local_port_range="2000 65000" net.ipv4.tcp_tw_reuse=1 2>/dev/null || true
: "${CHURN_SECONDS:=$([ "$LONG" = 1 ] && echo 60 || echo 8)}" "${CHURN_RATE:=5000}"
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
	limits: {connections: 8000}
	pool: {max_idle: 64, max_age: 1s}
CONF
fds=$(daemon_fds "socket:*")
out=$("$HELPERS/churn" --connect "$EDGE:443" --upstream "$UP:9000" --name app.test --rate "$CHURN_RATE" \
	--seconds "$CHURN_SECONDS" --seed "${SEED:-$RANDOM}" 2>"$TMP/churn.log") || fail "$out"
echo "$out"
no_conns() { [ "$(live_conns)" = 0 ]; }
no_fds() { [ "$(daemon_fds "socket:*")" -le "$fds" ]; }
no_entries() { [ "$(map_entries "$1")" = 0 ]; }
wait_for 20 no_conns
wait_for 20 no_fds
if [ "$DATAPATH" = kernel ]; then
	wait_for 20 no_entries sockets
	wait_for 20 no_entries slots
	used=$(dump_map flows | jq '[.[] | (.formatted // .) | .value | select(.cookie != 0)] | length')
	same "slots in use" "$used" 0
	echo "lost ring events: $(counter event_lost), started by the kernel: $(counter start_kernel)"
fi
accepted=$(cli --json status | jq '[.. | objects | select(.name? == "accepted") | .value] | add')
wait_for has_events "$accepted"
same "events" "$(event_count)" "$accepted"
same "events with an id of their own" "$(jq -r .object.connection_id "$EVENTS" | sort -u | wc -l)" "$accepted"
echo "ends: $(jq -r .object.close_reason "$EVENTS" | sort | uniq -c | sort -rn | xargs)"
start_upstream stream 9000
stream app.test --conns 50 --parallel 10 --up 100k --down 100k
