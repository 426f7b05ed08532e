# passthrough/every_byte_arrives.sh - Random streams, sizes, pauses, buffers and ways to end: every byte arrives once, in order, at the right end.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath topology ~family
# Timeout: 180
. "$LIB"
need jq
start_upstream stream 9000 --listen "$UP:9001=1" --listen "$UP:9002=2" --listen "$UP:9003=3"
# (a hello in segments of a few bytes, a tick of the client each, can take seconds on a busy machine)
start_snisplitd <<-CONF
	timeouts: {client_hello: 60s}
	endpoints:
	  - {url: "tls://one.test", upstream: "$UP:9001"}
	  - {url: "tls://two.test", upstream: "$UP:9002"}
	  - {url: "tls://*.test", upstream: "$UP:9003"}
CONF
conns=$([ "$LONG" = 1 ] && echo 5000 || echo 600)
stream one.test=1 --name two.test=2 --name three.test=3 --conns "$conns" --parallel 100 --up 2m --down 2m --random \
	--seed "${SEED:-$RANDOM}"
echo "$SUMMARY"
wait_for has_events "$conns"
same "events" "$(event_count)" "$conns"
moved_by_mover 40
wait_for eval '[ "$(live_conns)" = 0 ]'
