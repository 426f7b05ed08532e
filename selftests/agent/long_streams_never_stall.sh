# agent/long_streams_never_stall.sh - Long downloads and uploads through edge and agent, one after the other, keep moving to their end and arrive whole. LONG=1: 20 gigabytes each way.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 90
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need jq openssl
rounds=2 size=40m
[ "$LONG" = 0 ] || rounds=20 size=1000m
start_upstream stream 9000
start_edge <<-CONF
	workers: 2
CONF
start_agent a tls "$UP:9000" --url app.test
wait_for is_ready app.test
for ((i = 0; i < rounds; i++)); do
	stream app.test --up 1k --down "$size" --seed $((10 + 20 * i)) --polite
	stream app.test --up "$size" --down 1k --seed $((20 + 20 * i)) --polite
done
wait_for has_events $((2 * rounds))
same "how they ended" "$(jq -r .object.close_reason "$EVENTS" | grep -cvE '^(client|upstream)_fin$')" 0
