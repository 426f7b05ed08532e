# passthrough/dead_warm_upstream_is_never_handed_out.sh - An upstream connection that died while it was kept warm costs no client its connection.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 90
. "$LIB"
need jq
start_upstream stream 9000
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
	pool: {max_idle: 16, max_age: 60s}
CONF
for round in 1 2 3 4 5; do
	stream app.test --conns 40 --parallel 8 --up 1k --down 1k --seed $round # makes the pool want some
	kill -TERM "$UPSTREAM_PID"
	wait "$UPSTREAM_PID" || true
	start_upstream stream 9000
	stream app.test --conns 40 --parallel 8 --up 1k --down 1k --seed 10$round
done
wait_for has_events 400
same "bad ends" "$(jq -r .object.close_reason "$EVENTS" | sort | uniq -c | awk '{print $2 "=" $1}')" client_fin=400
