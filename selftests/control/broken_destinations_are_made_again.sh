# control/broken_destinations_are_made_again.sh - A receiver that goes away and comes back gets whole lines again and what waited; a webhook that refuses loses its events, counted; status tells what is wrong.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=userspace
. "$LIB"
need jq python3 socat
start_upstream stream 9000
cat >"$TMP/refuse.py" <<-'PY'
	import http.server
	class Refuse(http.server.BaseHTTPRequestHandler):
	    def do_POST(self):
	        self.rfile.read(int(self.headers["Content-Length"]))
	        self.send_error(400)
	    def log_message(self, *args): pass
	http.server.HTTPServer(("127.0.0.1", 5180), Refuse).serve_forever()
PY
python3 "$TMP/refuse.py" &
REFUSER=$!
receive() # FILE: one connection's lines; RECEIVER is its pid
{
	socat -u TCP-LISTEN:5170,reuseaddr "CREATE:$1" &
	RECEIVER=$!
	# it takes one connection and makes the file then; the daemon may be there before we look
	wait_for eval "listening 5170 || [ -e '$1' ]"
}
wait_for listening 5180
receive "$TMP/first"
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
	events: [{file: $EVENTS}, {tcp: "127.0.0.1:5170"}, {webhook: "http://user:secret@127.0.0.1:5180/"}]
CONF
has_lines() { [ "$(cat "${@:2}" 2>/dev/null | wc -l)" -ge "$1" ]; }
destination() { cli --json status | jq -r --arg t "$1" '.events.destinations[] | select(.target | startswith($t)) | '"$2"; }
stream app.test --conns 50 --parallel 4 --up 1k --down 1k
wait_for has_lines 50 "$TMP/first"
kill $RECEIVER
wait $RECEIVER 2>/dev/null || true
stream app.test --conns 50 --parallel 4 --up 1k --down 1k --seed 1000
wait_for has_events 100
wait_for eval '[ -n "$(destination tcp: .error)" ]'
destination tcp: .error | grep -qE 'cannot connect to 127.0.0.1:5170: Connection refused|broke' || fail "$(destination tcp: .error)"
receive "$TMP/second"
wait_for 40 has_lines 100 "$TMP/first" "$TMP/second"
wait_for eval '[ -z "$(destination tcp: .error)" ]'
for f in first second; do
	jq -e .event_id "$TMP/$f" >/dev/null || fail "$f has a line that is no event"
done
same "events" "$(cat "$TMP/first" "$TMP/second" | jq -r .event_id | sort -u)" "$(jq -r .event_id "$EVENTS" | sort)"
wait_for eval '[ "$(destination webhook: .lost)" = 100 ]'
same "what the webhook says" "$(destination webhook: '"\(.target) \(.written) \(.error)"')" \
	"webhook:http://127.0.0.1:5180/ 0 webhook:http://127.0.0.1:5180/: answered 400"
grep -qE '^webhook:http://127.0.0.1:5180/ +0 +100 +0 +' <<<"$(cli status)" || fail "$(cli status)"
refuse grep -q secret "$TMP/snisplitd.log"
same "lost" "$(cli --json status | jq .events.lost)" 100
kill $REFUSER
