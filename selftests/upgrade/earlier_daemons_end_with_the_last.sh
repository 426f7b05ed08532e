# upgrade/earlier_daemons_end_with_the_last.sh - When the time of a daemon that stops is up, or a second signal comes, the daemons before it end too, and have written their events before it is gone (they had their own time, and who had started the last one killed them in it).
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel
# Timeout: 120
. "$LIB"
. "$LIB_DIR/upgrade/lib_upgrade.sh"
need jq
start_upstream stream 9000
configured() # DRAIN
{
	configure <<-CONF
		endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
		timeouts: {drain: $1}
	CONF
}
for case in timeout second_signal; do
	rm -f "$EVENTS"
	configured 100s
	start_again
	hold_streams 5
	first=$DAEMON
	[ $case = second_signal ] || configured 1s
	upgrade || fail "$(cat "$TMP/upgrade.log")"
	kill -TERM "$DAEMON"
	wait_for eval 'grep -q "draining: 5 connections" "$TMP/snisplitd.log"'
	[ $case = timeout ] || kill -TERM "$DAEMON"
	wait_for is_gone "$DAEMON"
	# now is when a service manager kills what is left
	is_gone "$first" || { kill -KILL "$first"; fail "$case: the first daemon is still there"; }
	DAEMON=''
	same "$case: events" "$(jq -r .object.close_reason "$EVENTS" 2>/dev/null | sort | uniq -c | xargs)" "5 drained"
	kill "$CLIENT"
	wait "$CLIENT" || true
	: >"$TMP/snisplitd.log"
done
