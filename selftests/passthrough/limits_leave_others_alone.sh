# passthrough/limits_leave_others_alone.sh - At limits.connections, and without a free descriptor, new connections are closed with a reason and the open ones do not notice.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 90
. "$LIB"
need jq prlimit
start_upstream stream 9000
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
	limits: {connections: 20}
	pool: {max_idle: 0}
CONF
stream app.test --conns 20 --parallel 20 --up 5m --down 5m --read-rate 2000 --server-read-rate 2000 --seed 1 &
client=$!
wait_for eval '[ "$(live_conns)" = 20 ]'
for _ in 1 2 3 4 5; do
	got=$(say --name app.test)
	[[ $got == -\ * && $got != *open* ]] || fail "over the limit: '$got'"
done
wait $client || fail "an open connection noticed"
wait_for has_events 25
same "reasons" "$(jq -r .object.close_reason "$EVENTS" | sort | uniq -c | xargs)" "20 client_fin 5 limit"
stream app.test --up 1k --down 1k --seed 2
stop_snisplitd

rm "$EVENTS"
sed -i 's/connections: 20/connections: 1000/' "$TMP/snisplitd.yml"
start_again
stream app.test --conns 10 --parallel 10 --up 5m --down 5m --read-rate 2000 --server-read-rate 2000 --seed 3 &
client=$!
wait_for eval '[ "$(live_conns)" = 10 ]'
prlimit --pid "$DAEMON" --nofile="$(daemon_fds):4096"
in_client "$HELPERS/stream" client --connect "$EDGE:443" --name app.test --conns 50 --parallel 50 --up 1k --down 1k \
	--seed 4 --timeout 2 >"$TMP/out" 2>&1 || true
kill -0 "$DAEMON" || fail "the daemon died"
wait $client || fail "an open connection noticed: $(cat "$TMP/stream.log")"
failed=$(cli --json status | jq '.counters[] | select(.name == "accept_failed").value')
[ "$failed" -ge 1 ] || fail "accept_failed is $failed"
wait_for eval '[ "$(grep -c "\"close_reason\":\"limit\"" "$EVENTS")" -ge 1 ]'
grep -q 'out of file descriptors' "$TMP/snisplitd.log" || fail "the log does not tell"
prlimit --pid "$DAEMON" --nofile=4096:4096
stream app.test --conns 50 --parallel 50 --up 1k --down 1k --seed 5
