# passthrough/split_hello_is_routed.sh - A hello in segments of one byte or in records of two, or larger than a segment, goes where a whole one goes.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath topology ~family
. "$LIB"
need jq
start_upstream stream 9000 --listen "$UP:9001=1" --listen "$UP:9002=2"
start_snisplitd <<-CONF
	endpoints:
	  - {url: "tls://app.test", upstream: "$UP:9001"}
	  - {url: "tls://*.test", upstream: "$UP:9002"}
CONF
n=0
while read -r args; do
	# shellcheck disable=SC2086 # words are wanted
	stream app.test=1 --name deep.down.test=2 --conns 8 --parallel 4 --up 200k --down 200k --order server --seed $((n += 1)) $args
	wait_for has_events $((n * 8))
done <<-'CASES'
	--segment 1 --segment-gap-us 50
	--segment 1 --segment-gap-us 3000
	--segment 5
	--hello-cut 2
	--hello-cut 2 --segment 1 --segment-gap-us 50
	--hello-cut 1
	--hello-size 1800
	--hello-size 1800 --segment 700 --segment-gap-us 2000
	--hello-size 4500
	--hello-size 9000 --hello-cut 1000
	--hello-size 15000
CASES
moved_by_mover 80
