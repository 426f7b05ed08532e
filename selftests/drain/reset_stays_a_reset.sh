# drain/reset_stays_a_reset.sh - An RST of one side reaches the other as an RST, never as an end that looks complete.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath topology ~family
. "$LIB"
need jq
start_upstream stream 9000
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
CONF
stream app.test --order client-rst --up 3m --down 3m --conns 20 --parallel 5 --seed 1
wait_for has_events 20
same "ends" "$(jq -r .object.close_reason "$EVENTS" | sort -u)" client_rst
stream app.test --order server-rst --up 3m --down 3m --conns 20 --parallel 5 --seed 2
wait_for has_events 40
same "ends" "$(jq -r .object.close_reason "$EVENTS" | sort -u | tr '\n' ' ')" "client_rst upstream_rst "
stream app.test --order client-rst --up 1k --down 1k --conns 20 --parallel 5 --seed 3
stream app.test --order server-rst --up 1k --down 1k --conns 20 --parallel 5 --seed 4
wait_for has_events 80
moved_by_mover 50
