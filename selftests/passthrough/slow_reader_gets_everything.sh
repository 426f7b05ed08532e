# passthrough/slow_reader_gets_everything.sh - A reader slower than its sender gets every byte, and the sender is slowed down to its pace.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath topology=lo,veth
# Timeout: 120
. "$LIB"
need jq
start_upstream stream 9000
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
CONF
start=$SECONDS
stream app.test --up 100m --server-read-rate 40000 --seed 1
stream app.test --down 100m --read-rate 40000 --seed 2
stream app.test --up 40m --down 40m --read-rate 20000 --server-read-rate 20000 --seed 3 # both at once
stream app.test --up 80m --down 80m --stall 1500 --server-stall 1500 --seed 4
[ $((SECONDS - start)) -ge 7 ] || fail "it took $((SECONDS - start)) s: nobody was slow"
event_is 4 close_reason=client_fin datapath="$MOVER"
