# passthrough/who_never_reads_is_heard.sh - An end that does not read what is sent to it, for ever more than it has room for, is heard to its last byte all the same. LONG=1: 9,000 of them.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 180
. "$LIB"
need jq
start_upstream stream 9000
start_snisplitd <<-CONF
	timeouts: {client_hello: 60s}
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
CONF
conns=$([ "$LONG" = 1 ] && echo 9000 || echo 400)
stream app.test --random --never-read --conns "$conns" --parallel 60 --up 6m --down 6m --timeout 30 --seed "${SEED:-$RANDOM}"
echo "$SUMMARY"
wait_for has_events "$conns"
moved_by_mover 40
wait_for eval '[ "$(live_conns)" = 0 ]'
