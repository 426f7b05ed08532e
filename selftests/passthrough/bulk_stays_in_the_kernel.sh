# passthrough/bulk_stays_in_the_kernel.sh - A fast transfer is carried whole, at least 80% of it by the kernel, one connection or eight.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath topology
# Timeout: 120
. "$LIB"
need jq
start_upstream stream 9000
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
CONF
stream app.test --up 400m --down 400m --seed 1
stream app.test --up 50m --down 50m --conns 8 --parallel 8 --seed 2
wait_for has_events 9
moved_by_mover 80
share=$(jq -s 'map(.object) | 100 * (map(.bytes_kernel // 0) | add) / (map(.conn.bytes_in + .conn.bytes_out) | add) | floor' "$EVENTS")
echo "kernel share $share%"
[ "$DATAPATH" != kernel ] || [ "$share" -ge 80 ] || fail "the kernel carried only $share%"
