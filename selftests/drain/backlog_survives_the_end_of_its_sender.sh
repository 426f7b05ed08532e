# drain/backlog_survives_the_end_of_its_sender.sh - Bytes still on their way to a slow reader arrive after their sender has ended its stream and gone.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath topology
# Timeout: 90
. "$LIB"
need jq
start_upstream stream 9000
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
CONF
stream app.test --order client --up 2m --down 16m --read-rate 8000 --server-read-rate 4000 --conns 16 --parallel 16 --seed 1
stream app.test --order server --up 2m --down 2m --stall 500 --server-stall 500 --conns 64 --parallel 64 --seed 2
stream app.test --order together --up 3m --down 3m --stall 300 --conns 64 --parallel 64 --seed 3 --rcvbuf 65536
wait_for has_events 144
moved_by_mover 80
