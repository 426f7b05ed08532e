# drain/half_close_keeps_the_other_direction.sh - Who has said all it wants to say still hears the rest: 10 MB after the client's end, 10 MB after the server's.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath topology ~family
. "$LIB"
need jq
start_upstream stream 9000
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
CONF
n=0
for order in client server together; do
	for size in "--up 1k --down 10m" "--up 10m --down 1k" "--up 10m --down 10m" "--up 0 --down 100k" "--up 100k --down 0" "--up 0 --down 0"; do
		# shellcheck disable=SC2086 # words are wanted
		stream app.test --order $order --answer-after $size --conns 4 --parallel 4 --seed $((n += 1))
		wait_for has_events $((4 * n))
	done
done
moved_by_mover 50
same "ends" "$(jq -r .object.close_reason "$EVENTS" | sort -u | tr '\n' ' ')" "client_fin upstream_fin "
