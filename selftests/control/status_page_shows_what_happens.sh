# control/status_page_shows_what_happens.sh - In a browser the status page shows endpoints, plots and ended connections with their reasons, lets nothing foreign become markup, and loads nothing from elsewhere.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need chromium jq curl python3
start_upstream stream 9000
start_snisplitd <<-CONF
	http: 127.0.0.1:4041
	endpoints: [{url: "tls://busy.app.test", upstream: "$UP:9000"}, {url: "tls://dead.app.test", upstream: "$UP:9001"}]
CONF
"$HELPERS/stream" client --connect "$EDGE:443" --name busy.app.test --report "$TMP/stream.report" --order server \
	--up 1 --down 300m --server-write-rate 20000 --timeout 100 >/dev/null 2>&1 &
BULK=$!
say --name dead.app.test >/dev/null 2>&1 || true
say --name '<img src=x onerror=alert(1)>' >/dev/null 2>&1 || true
wait_for has_events 2
page() { curl -sS --max-time 5 "http://127.0.0.1:4041$1" "${@:2}"; }
page / -D "$TMP/head" -o "$TMP/page"
grep -qi "^Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'" "$TMP/head" || fail "$(cat "$TMP/head")"
refuse grep -nE 'https?://|<style|style=|onload' "$TMP/page"
page /status.json | jq -e '.stats.endpoints | length == 2' >/dev/null || fail "status.json"
same "events" "$(page /status.json | jq -c '[.events[].object.close_reason]')" '["upstream_refused","hello_malformed"]'
same "read only" "$(page /status.json -X POST -o /dev/null -w '%{http_code}')" 405
for host in localhost:4041 '[::1]:4041' me.localhost; do
	same "asked for as $host" "$(page /healthz -H "Host: $host")" ok
done
same "rebound" "$(page /status.json -H 'Host: evil.test:4041' -o /dev/null -w '%{http_code}')" 421

browser() { timeout 90 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars \
	--user-data-dir="$TMP/chrome" --virtual-time-budget=40000 "$@" http://127.0.0.1:4041/ 2>>"$TMP/chrome.err"; }
browser --dump-dom >"$TMP/dom" || fail "chromium: $(tail -n 3 "$TMP/chrome.err")"
grep -q '<span id="datapath" class="badge good">kernel datapath</span>' "$TMP/dom" || fail "no datapath"
grep -q '<p id="active">1</p>' "$TMP/dom" || fail "live connections: $(grep -o 'id="active">[^<]*' "$TMP/dom")"
grep -qE 'id="out">[0-9.]+[kMG]?<small> B/s' "$TMP/dom" || fail "throughput: $(grep -o 'id="out">[^/]*' "$TMP/dom")"
# the browser's clock runs fast here, so one sample may see nothing: the plot saw something
heights=$(grep -o '<polyline class="line out" points="[^"]*' "$TMP/dom" | head -n 1 | grep -oE ',[0-9.]+' | sort -u | wc -l)
[ "$heights" -ge 2 ] || fail "the plot of throughput is flat"
for text in busy.app.test dead.app.test upstream_refused hello_malformed; do
	grep -qF ">$text<" "$TMP/dom" || fail "the page does not show $text"
done
refuse grep -qi 'onerror' "$TMP/dom"
refuse grep -iE 'Refused to|Content Security Policy|Uncaught' "$TMP/chrome.err"
browser --screenshot="$TMP/page.png" --window-size=1280,1000
python3 - "$TMP/page.png" <<-'PY' || fail "the screenshot is blank"
	import struct, sys, zlib
	data = open(sys.argv[1], "rb").read()
	assert struct.unpack(">II", data[16:24]) == (1280, 1000), "size"
	at, raw = 8, b""
	while at < len(data):
	    n, kind = struct.unpack(">I4s", data[at:at + 8])
	    if kind == b"IDAT":
	        raw += data[at + 8:at + 8 + n]
	    at += 12 + n
	assert len(set(zlib.decompress(raw)[::97])) > 20, "one colour"
PY
kill $BULK 2>/dev/null || true
