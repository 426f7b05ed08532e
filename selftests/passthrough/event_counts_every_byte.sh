# passthrough/event_counts_every_byte.sh - The closed event has the exact bytes of both directions, and on the kernel path no more than the hello was seen by user space.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath topology ~family
. "$LIB"
need jq
start_upstream stream 9000
start_snisplitd <<-CONF
	workers: 1
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
CONF
for n in 1 2 3 4; do # the first finds no warm upstream, the last ones should
	stream app.test --polite --up 300k --down 2m --seed $n --order server
	up=$(jq .bytes_up <<<"$SUMMARY")
	event_is $n datapath="$MOVER" conn.bytes_in="$up" conn.bytes_out=2097152 conn.server_name=app.test \
		conn.server_port=443 terminated_at=upstream upstream_addr="$UP:9000" \
		close_reason=upstream_fin
	user=$(event_field $n bytes_user) kernel=$(event_field $n bytes_kernel)
	same "sum of event $n" $((user + kernel)) $((up + 2097152))
	if [ "$DATAPATH" = kernel ] && [ $n = 4 ]; then
		[ "$user" -le $((up - 300 * 1024)) ] || fail "$user bytes in user space, the hello had $((up - 300 * 1024))"
	fi
done
if [ "$DATAPATH" = kernel ]; then
	[ "$(counter start_kernel)" -ge 1 ] || fail "no connection was started by the verdict program"
	[ "$(counter redirect_bytes)" -ge $((4 * 2097152)) ] || fail "redirect_bytes is $(counter redirect_bytes)"
fi
same "events" "$(event_count)" 4
