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
# A machine that is busy elsewhere passes more of it, whoever is right: the best of three rounds counts.
# (A flow that was passed once and then copied for ever has no good round.)
best=0
for round in 1 2 3; do
	stream app.test --up 200m --down 200m --seed $round
	stream app.test --up 25m --down 25m --conns 8 --parallel 8 --seed $((round + 10))
	wait_for has_events $((round * 9))
	share=$(tail -n 9 "$EVENTS" | jq -s 'map(.object) | 100 * (map(.bytes_kernel // 0) | add) / (map(.conn.bytes_in + .conn.bytes_out) | add) | floor')
	echo "kernel share $share%"
	[ "$share" -le $best ] || best=$share
	if [ "$DATAPATH" != kernel ] || [ $best -ge 80 ]; then break; fi
done
moved_by_mover 80
[ "$DATAPATH" != kernel ] || [ $best -ge 80 ] || fail "the kernel carried $best% at best"
