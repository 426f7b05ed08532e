# upgrade/connections_go_on.sh - While upgrades follow each other, streams lose not a byte, and each connection has one event, from whichever daemon.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 1200
. "$LIB"
. "$LIB_DIR/upgrade/lib_upgrade.sh"
need jq
conns=$([ "$LONG" = 1 ] && echo 1000 || echo 50) rounds=${ROUNDS:-$([ "$LONG" = 1 ] && echo 50 || echo 4)}
start_upstream stream 9000
start_upstream python 9001
start_snisplitd <<-CONF
	timeouts: {client_hello: 60s, half_closed: 10m} # (who reads slowly lets its window stay shut for long)
	endpoints:
	  - {url: "tls://app.test", upstream: "$UP:9000"}
	  - {url: "tls://python.test", upstream: "$UP:9001"}
CONF
# Long: few bytes, slowly, so that all are there until the last upgrade; a thousand times 4m is more
# than tcp_mem has room for, and a window closed for that opens by probes, minutes apart.
amount=(--up 4m --down 4m --read-rate 2000 --server-read-rate 2000 --timeout 120)
[ "$LONG" != 1 ] || amount=(--up 1m --down 1m --read-rate 8 --server-read-rate 8 --timeout 1000)
stream app.test "${amount[@]}" --conns "$conns" --parallel "$conns" &
client=$!
wait_for eval '[ "$(live_conns)" -gt $((conns / 2)) ]'
for ((i = 0; i < rounds; i++)); do
	upgrade || fail "upgrade $i: $(cat "$TMP/upgrade.log")"
	same "the page" "$(fetch python.test)" "hello from python"
done
echo "after $rounds upgrades: $(live_conns) connections"
wait "$client" || fail "a stream was cut: $(cat "$TMP/stream.log")"
wait_for has_events $((conns + rounds))
wait_for eval '[ "$(live_conns)" = 0 ]'
same "events" "$(event_count)" $((conns + rounds))
same "connections without an event, or with two" "$(jq -r .object.connection_id "$EVENTS" | sort | uniq -d)" ""
same "ids of two endpoints" "$(jq -r .object.endpoint_id "$EVENTS" | sort -u | wc -l)" 2
stop_upgraded
[ ! -e "$PINS" ] || [ -z "$(ls -A "$PINS")" ] || fail "pins stay: $(ls "$PINS")"
