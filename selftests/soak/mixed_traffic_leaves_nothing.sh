# soak/mixed_traffic_leaves_nothing.sh - After minutes of everything at once, with upstreams, agents and ssh sessions killed, reloads and upgrades, streams of others were whole and all is as at the start.
# SPDX-License-Identifier: GPL-2.0-only
# Alone: what it holds is measured
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
. "$LIB_DIR/ssh/lib_ssh.sh"
. "$LIB_DIR/upgrade/lib_upgrade.sh"
need jq curl openssl bpftool python3
: "${MINUTES:=30}" "${UPGRADE_EVERY:=60}"
start_upstream stream 9000
start_upstream python 9001
start_gateway <<-CONF
	timeouts: {client_hello: 60s}
	pool: {max_age: 2s}
	endpoints:
	  - {url: "tls://steady.test", upstream: "$UP:9000"}
	  - {url: "tls://python.test", upstream: "$UP:9001"}
	  - {url: "tls://app.test", upstream: "$UP:9001", proxy_proto: 1}
	  - {url: "tls://nginx.test", upstream: "tls://$UP:9001", crt: "$TMP/cert.pem", key: "$TMP/key.pem"}
CONF
TOKEN=$(cli authtoken add 2>/dev/null)
export SNISPLIT_SERVER=$TUNNEL SNISPLIT_SERVER_CA=$TMP/state/ca/root.pem SNISPLIT_AUTHTOKEN=$TOKEN HOME=$TMP

pss_kb() { awk '/^Pss:/ {print $2}' "/proc/$DAEMON/smaps_rollup"; }
is_idle() { [ "$(live_conns)" = 0 ] && [ "$(map_entries sockets)" = 0 ] && [ "$(map_entries slots)" = 0 ]; }
# Of the kernel's own: sockets also that nobody has any more, and all that is in slabs (of the whole machine:
# what others do there meanwhile is in it).
measure()
{
	local map
	echo -n "fds=$(daemon_fds) pss_kb=$(pss_kb) tcp=$(ss -Htan | grep -vc TIME-WAIT) pins=$(find "$PINS" | wc -l)"
	for map in sockets slots endpoints wildcards policies; do echo -n " $map=$(map_entries $map)"; done
	echo " slab_tcp=$(awk '$1 == "TCP" {print $2}' /proc/slabinfo) slab_kb=$(awk '/^SUnreclaim:/ {print $2}' /proc/meminfo)"
}
exact() { grep -oE '\b(tcp|pins|sockets|slots|endpoints|wildcards|policies)=[0-9]+' <<<"$1" | xargs; } # what must be the same
value() { sed "s/.*$1=\([0-9]*\).*/\1/" <<<"$2"; }

agent() { start_agent a tls 9001 --url openssl.test; VICTIM_AGENT=$AGENT; }
session() { start_ssh s -T -R haproxy.test:443:"$(unbracket "$UP")":9001 "$(unbracket "$EDGE")" tls; VICTIM_SSH=$CLIENT; }
kill_all_victims()
{
	kill -9 "$VICTIM_AGENT" "$VICTIM_SSH" "$UPSTREAM_PID" 2>/dev/null || true
	wait "$VICTIM_AGENT" "$VICTIM_SSH" "$UPSTREAM_PID" 2>/dev/null || true
}
all_victims() { start_upstream python 9001; agent; session; }

# those who must not notice anything: exact streams, without a pause
steady()
{
	local round=0
	while [ ! -e "$TMP/stop" ]; do
		round=$((round + 1))
		"$HELPERS/stream" client --connect "$EDGE:443" --name steady.test --report "$TMP/stream.report" --conns 40 --parallel 20 \
			--up 1m --down 1m --random --timeout 120 --seed $round >>"$TMP/steady" 2>>"$TMP/stream.log" || { echo "round $round" >>"$TMP/steady.bad"; }
	done
}
# those who may: whatever becomes of a request
unsteady()
{
	while [ ! -e "$TMP/stop" ]; do
		fetch "$1" >/dev/null 2>&1 && echo "$1" >>"$TMP/fetched"
		sleep 0.05
	done
}
agent
session
for name in python openssl haproxy nginx; do
	wait_for 30 fetch "$name.test"
done
kill_all_victims
wait_for 60 is_idle
start=$(measure)
start_upstream python 9001
agent
session
steady &
STEADY=$!
for name in python openssl haproxy nginx app; do unsteady "$name.test" & done

end=$((SECONDS + MINUTES * 60)) upgrades=0 reloads=0 kills=0 last=$SECONDS
while [ $SECONDS -lt $end ]; do
	sleep 5
	kill_all_victims
	kills=$((kills + 3))
	all_victims
	if [ $((kills / 3 % 2)) = 0 ]; then
		cli reload >/dev/null || fail "reload: $(tail -n 3 "$TMP/snisplitd.log")"
		reloads=$((reloads + 1))
	fi
	if [ $((SECONDS - last)) -ge "$UPGRADE_EVERY" ]; then
		last=$SECONDS
		upgrade || fail "upgrade: $(tail -n 3 "$TMP/upgrade.log")"
		upgrades=$((upgrades + 1))
	fi
done
touch "$TMP/stop"
wait "$STEADY"
kill_all_victims
[ ! -e "$TMP/steady.bad" ] || fail "streams were hurt: $(cat "$TMP/steady.bad") $(tail -n 5 "$TMP/stream.log")"
wait_for 90 is_idle
wait_for 60 eval '[ "$(cli --json status | jq .earlier_daemons)" = 0 ]'
few_fds() { [ "$(daemon_fds)" -le $(($(value fds "$start") + 4)) ]; }
as_at_the_start() { local now; now=$(measure); [ "$(exact "$now")" = "$(exact "$start")" ]; }
wait_for 30 few_fds # (sockets that are in stock for dials go when none has wanted them for a while)
for _ in {1..60}; do as_at_the_start && break; sleep 0.5; done # (what closes last has its own deadlines)
now=$(measure)
echo "minutes=$MINUTES upgrades=$upgrades reloads=$reloads killed=$kills streams=$(jq -s 'map(.conns) | add' "$TMP/steady") bytes=$(jq -s 'map(.bytes_up + .bytes_down) | add' "$TMP/steady") requests=$(wc -l <"$TMP/fetched")"
echo "start: $start"
echo "now:   $now"
same "connections without an event, or with two" "$(jq -r .object.connection_id "$EVENTS" | sort | uniq -d | head -n 3)" ""
same "sockets, pins and map entries" "$(exact "$now")" "$(exact "$start")"
# a socket in a thousand, were it lost, would be more than this
[ "$(value slab_tcp "$now")" -le $(($(value slab_tcp "$start") + 500)) ] || fail "sockets stay in the kernel: $start -> $now"
[ "$(value slab_kb "$now")" -le $(($(value slab_kb "$start") + 65536)) ] || fail "the kernel's memory: $start -> $now"
[ "$(value pss_kb "$now")" -le $(($(value pss_kb "$start") * 3 / 2 + 16384)) ] || fail "memory: $start -> $now"
same "daemons" "$(find /proc -maxdepth 2 -name exe -lname "$SNISPLITD" 2>/dev/null | wc -l)" 1
stop_upgraded
