# passthrough/kernel_bytes_add_up.sh - What the events say the kernel carried is what the verdict program counted, also for connections that broke.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel
. "$LIB"
need jq
start_upstream stream 9000
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
CONF
stream app.test --conns 50 --parallel 10 --up 1m --down 1m --random --seed 1
stream app.test --conns 100 --parallel 10 --up 3m --down 10k --order server-rst --seed 2
stream app.test --conns 100 --parallel 10 --up 10k --down 3m --order client-rst --seed 3
wait_for has_events 250
wait_for eval '[ "$(live_conns)" = 0 ]'
said=$(jq -s 'map(.object.bytes_kernel) | add' "$EVENTS")
same "bytes of the events" "$said" "$(counter redirect_bytes)"
