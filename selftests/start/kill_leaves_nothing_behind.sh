# start/kill_leaves_nothing_behind.sh - After kill -9 in the middle of traffic the peers are told, and the next start works as if nothing had been.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need jq bpftool
start_upstream stream 9000
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
CONF
mapfile -t progs < <(prog_ids)
for round in 1 2 3; do
	in_client_exec "$HELPERS/stream" client --connect "$EDGE:443" --name app.test --up 100m --down 100m --read-rate 5000 \
		--conns 20 --parallel 20 --seed "$round" >"$TMP/out" 2>&1 &
	client=$!
	wait_for eval '[ "$(live_conns)" = 20 ]'
	kill -KILL "$DAEMON"
	wait "$DAEMON" 2>/dev/null || true
	wait $client && fail "the clients took it for a complete stream"
	start_again
	mapfile -t -O ${#progs[@]} progs < <(prog_ids)
done
stream app.test --up 1m --down 1m --conns 20 --parallel 5 --seed 99
same "kinds of ends" "$(tail -n 20 "$EVENTS" | jq -r .object.close_reason | sort -u)" client_fin
stop_snisplitd
[ ! -e "$PINS" ] || [ -z "$(ls -A "$PINS")" ] || fail "pins stay: $(ls "$PINS")"
wait_for progs_are_gone "${progs[@]}"
