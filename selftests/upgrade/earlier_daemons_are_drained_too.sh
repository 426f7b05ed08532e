# upgrade/earlier_daemons_are_drained_too.sh - Who is told to stop drains the daemons before it as well, and is there until they have ended: their streams finish, or end at timeouts.drain (a service manager killed them with the last one's end).
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel
# Timeout: 120
. "$LIB"
. "$LIB_DIR/upgrade/lib_upgrade.sh"
need jq
start_upstream stream 9000
for case in finish timeout; do
	rm -f "$EVENTS" "$TMP/snisplitd.log"
	start_snisplitd <<-CONF
		endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
		timeouts: {drain: $([ $case = finish ] && echo 60s || echo 2s)}
	CONF
	# (held until it is told, so that it is the first daemon's in the end)
	hold_streams 5
	first=$DAEMON
	upgrade || fail "$(cat "$TMP/upgrade.log")"
	second=$DAEMON
	upgrade || fail "$(cat "$TMP/upgrade.log")"
	wait_for is_gone "$second" # it had none
	wait_for eval '[ "$(cli --json status | jq .earlier_daemons)" = 1 ]'
	kill -TERM "$DAEMON"
	wait_for eval '! listening 443'
	wait_for eval 'grep -q "draining: 5 connections" "$TMP/snisplitd.log"' # it says so, who has them
	is_gone "$first" && fail "the first is gone at once"
	is_gone "$DAEMON" && fail "the last did not wait"
	[ $case = finish ] || wait_for is_gone "$first"
	kill -USR1 "$CLIENT"
	if [ $case = finish ]; then
		wait "$CLIENT" || fail "a stream was hurt: $(cat "$TMP/out")"
	else
		wait "$CLIENT" && fail "a stream that was ended was whole"
	fi
	wait_for is_gone "$first"
	wait_for is_gone "$DAEMON"
	DAEMON=''
	wait_for has_events 5
	same "$case: reasons" "$(jq -r .object.close_reason "$EVENTS" | sort -u)" "$([ $case = finish ] && echo client_fin || echo drained)"
done
