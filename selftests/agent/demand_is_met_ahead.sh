# agent/demand_is_met_ahead.sh - Over a link of 50 ms, of 500 connections a second those of the first round trips wait for channels, and no others; few channels come for nothing; what the burst has left behind goes.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Alone: its pace is the clock's
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need jq openssl python3
start_answerer
start_edge <<-CONF
	workers: 1
	pool: {max_idle: 64, max_age: 1s}
CONF
"$HELPERS/delay" 127.0.0.1:4444 "$TUNNEL" 25 &
wait_for listening 4444
export SNISPLIT_SERVER=127.0.0.1:4444
start_agent a tls 9000 --url app.test
wait_for is_ready app.test
# A channel is there two round trips after the first connection.  How many wait tells of the machine as
# well: more in a row than a pool holds, none of which waits, are only there if it is ahead.
counter() { cli --json status | jq "[.. | objects | select(.name? == \"$1\") | .value] | add"; }
burst() # N: the most in a row that did not wait, how many did after the first half second, in all
{
	python3 "$LIB_DIR/fixtures/burst.py" app.test "$EDGE:443" 1000 500 || fail "a connection got no answer"
	wait_for has_events $(($1 * 1000))
	tail -n 1000 "$EVENTS" | jq -r '[.object.conn.start_ts, .object.timing_us.connect // 0] | @tsv' | sort |
		awk '{row = $2 > 5000 ? 0 : row + 1; waited += row == 0; late += NR > 250 && row == 0; if (row > most) most = row}
			END {print most + 0, late + 0, waited + 0}'
}
best=0 least=1000
for n in 1 2 3 4; do
	spare=$(counter channel_spare)
	read -r row late waited <<<"$(burst $n)"
	spare=$(($(counter channel_spare) - spare))
	echo "$waited of 1000 waited, $late of the last 750, $row in a row did not; $spare channels were too many"
	[ "$row" -le "$best" ] || best=$row
	[ "$spare" -ge "$least" ] || least=$spare
	[ "$best" -lt 130 ] || [ "$least" -gt 600 ] || break
done
[ "$best" -ge 130 ] || fail "never more than $best in a row that did not wait"
# what is asked for and not needed is work for both
[ "$least" -le 600 ] || fail "$least channels or more were made for nothing"
[ "$(counter channel_waited)" -ge "$waited" ] || fail "$(counter channel_waited) were counted as waiting"
same "failed" "$(jq -r .object.close_reason "$EVENTS" | grep -vcE '^(client|upstream)_(fin|rst)$')" 0
wait_for 20 eval '[ "$(cli --json endpoint get app.test | jq .metrics.pool_idle)" = 1 ]'
