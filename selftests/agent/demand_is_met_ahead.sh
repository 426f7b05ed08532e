# agent/demand_is_met_ahead.sh - Over a link of 50 ms, a burst of connections waits for channels in its first round trips only; without warm ones each connection still gets its channel.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need jq openssl python3
start_upstream stream 9000
start_edge <<-CONF
	workers: 1
	pool: {max_idle: 64, max_age: 1s}
CONF
python3 "$LIB_DIR/helpers/wire.py" 127.0.0.1:4444 "$TUNNEL" - 25 &
wait_for listening 4444
export SNISPLIT_SERVER=127.0.0.1:4444
start_agent a tls 9000 --url app.test
wait_for is_ready app.test
stream app.test --conns 400 --parallel 40 --up 1k --down 1k
wait_for has_events 400
# those that found a channel: the answer is there after one round trip and not after three
ahead=$(jq -s 'map(select(.object.timing_us.connect == null or .object.timing_us.connect < 20000)) | length' "$EVENTS")
[ "$ahead" -ge 250 ] || fail "only $ahead of 400 found a channel"
same "failed" "$(jq -r .object.close_reason "$EVENTS" | grep -vcE '^(client|upstream)_fin$')" 0
# and what the burst has left behind goes, but for the one that is kept
wait_for 20 eval '[ "$(cli --json endpoint get app.test | jq .metrics.pool_idle)" = 1 ]'
