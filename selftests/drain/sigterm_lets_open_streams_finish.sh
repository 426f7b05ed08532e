# drain/sigterm_lets_open_streams_finish.sh - SIGTERM takes no more connections, lets the open ones end by themselves, then the daemon ends with 0.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need jq
start_upstream stream 9000
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
	timeouts: {drain: 30s}
CONF
stream app.test --up 20m --down 20m --read-rate 10000 --server-read-rate 10000 --conns 4 --parallel 4 &
client=$!
wait_for eval '[ "$(live_conns)" = 4 ]'
kill -TERM "$DAEMON"
wait_for eval '! listening 443'
[[ $(say --name app.test) == -\ refused\ * ]] || fail "it still takes connections"
wait $client || fail "a stream was cut: $(cat "$TMP/stream.log")"
wait "$DAEMON" || fail "ended with status $?"
DAEMON=''
same "events" "$(jq -r .object.close_reason "$EVENTS" | sort | uniq -c | xargs)" "4 client_fin"
