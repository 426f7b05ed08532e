# drain/drain_timeout_ends_what_is_left.sh - What is still open at timeouts.drain is ended, with reason drained; a second SIGTERM does not wait for it.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need jq
start_upstream stream 9000
for second in no yes; do
	rm -f "$EVENTS"
	start_snisplitd <<-CONF
		endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
		timeouts: {drain: $([ $second = yes ] && echo 60s || echo 1s)}
	CONF
	in_client_exec "$HELPERS/stream" client --connect "$EDGE:443" --name app.test --up 1m --down 100m --read-rate 1000 \
		>"$TMP/out" 2>&1 &
	client=$!
	wait_for eval '[ "$(live_conns)" = 1 ]'
	start=$SECONDS
	kill -TERM "$DAEMON"
	[ $second = no ] || { wait_for eval '! listening 443'; kill -TERM "$DAEMON"; }
	wait "$DAEMON" || [ $second = yes ] || fail "ended with status $?"
	DAEMON=''
	[ $((SECONDS - start)) -le 6 ] || fail "it took $((SECONDS - start)) s"
	event_is 1 close_reason=drained
	wait $client && fail "the client took it for a complete stream"
	grep -qE 'reset|truncated' "$TMP/out" || fail "the client saw: $(cat "$TMP/out")"
done
