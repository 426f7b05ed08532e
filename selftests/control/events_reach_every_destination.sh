# control/events_reach_every_destination.sh - Every kind of destination gets each event that its filter selects, with the fields it asked for; dead and failing ones delay none.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need jq python3
start_upstream stream 9000
python3 selftests/fixtures/event_receivers.py "$TMP" 2 2>"$TMP/receivers.log" &
RECEIVERS=$!
wait_for listening 5180
# stdout is a pipe that nobody reads, 5199 nobody listens on
mkfifo "$TMP/stuck"
exec 7<>"$TMP/stuck"
start_snisplitd <<-CONF
	http: 127.0.0.1:4041
	endpoints: [{url: "tls://*.app.test", upstream: "$UP:9000"}]
	events: [{file: $EVENTS}, {tcp: "127.0.0.1:5199"}, {file: $TMP/stuck}, {file: $TMP/one, filter: 'ev.conn.server_name == "a.app.test"'}, {file: $TMP/short, fields: [conn.bytes_in, close_reason]}, {file: $TMP/none, filter: '!ev.conn.client_ip.inCidr("127.0.0.0/8")'}, {unix: $TMP/unix.sock}, {tcp: "127.0.0.1:5170", type: tcp_connection_closed.v0}, {syslog: $TMP/log.sock}, {syslog: "udp://127.0.0.1:5140"}, {syslog: "tcp://127.0.0.1:5141"}, {webhook: "http://127.0.0.1:5180/events"}]
CONF
for i in $(seq 20); do stream a.app.test --up 1k --down 1k --seed "$i"; done
stream b.app.test --conns 180 --parallel 8 --seed 1000 --up 1k --down 1k
has_lines() { [ "$(wc -l <"$TMP/$1")" -ge "$2" ]; }
for f in unix.out tcp.out log.out udp.out syslog.out webhook.out short; do wait_for has_lines $f 200; done
wait_for has_events 200
ids() { grep -o '"event_id": *"ev_[^"]*"' "$1" | grep -o 'ev_[a-z0-9]*' | sort; }
ids "$EVENTS" >"$TMP/want"
same "different events" "$(sort -u "$TMP/want" | wc -l)" 200
for f in unix.out tcp.out log.out udp.out syslog.out webhook.out short; do
	ids "$TMP/$f" | cmp - "$TMP/want" || fail "$f has other events"
done
same "one name" "$(jq -r .object.conn.server_name "$TMP/one" | sort | uniq -c | xargs)" "20 a.app.test"
same "none" "$(wc -l <"$TMP/none")" 0
same "fields" "$(jq -c '.object | [paths(scalars) | join(".")] | sort' "$TMP/short" | sort -u)" '["close_reason","conn.bytes_in"]'
grep -qE '^<30>[A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} snisplitd\[[0-9]+\]: \{"event_id"' "$TMP/log.out" || fail "$(head -n 1 "$TMP/log.out")"
for f in udp.out syslog.out; do
	grep -qE '^<30>1 [0-9T:.Z-]+ [^ ]+ snisplitd [0-9]+ tcp_connection_closed\.v0 - \{' "$TMP/$f" || fail "$(head -n 1 "$TMP/$f")"
done
grep -q 'cannot connect to 127.0.0.1:5199: Connection refused' "$TMP/snisplitd.log" || fail "the dead one is not told"
metric() { curl -sS http://127.0.0.1:4041/metrics | awk -v m="$1" 'index($0, m) == 1 { print $NF }'; }
same "written" "$(metric 'snisplit_event_destination_written_total{destination="webhook:http://127.0.0.1:5180/events"')" 200
same "lost so far" "$(metric 'snisplit_events_lost_total ')" 0
before=$SECONDS
stop_snisplitd
[ $((SECONDS - before)) -le 8 ] || fail "the stop took $((SECONDS - before)) s"
kill $RECEIVERS
