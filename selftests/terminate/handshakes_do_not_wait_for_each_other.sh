# terminate/handshakes_do_not_wait_for_each_other.sh - With 500 handshakes begun and left, and a large transfer under way, new clients are served, and the transfer is whole.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel
# Timeout: 240
. "$LIB"
need python3 curl openssl jq
certificate
size=$([ "$LONG" = 1 ] && echo 2000 || echo 100)
mkdir "$TMP/www" && echo "hello from plain" >"$TMP/www/page" && truncate -s "${size}M" "$TMP/www/large"
python3 -m http.server --bind "$UP" --directory "$TMP/www" 9000 2>/dev/null &
wait_for listening 9000
start_snisplitd <<-CONF
	endpoints:
	  - {url: "tls://app.test", upstream: "$UP:9000", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem}
CONF
mkfifo "$TMP/go"
python3 - "$EDGE" >"$TMP/held" <<-'PY' &
	import socket, ssl, sys, time
	held, context = [], ssl.create_default_context()
	for _ in range(500):
	    out = ssl.MemoryBIO()
	    hello = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="app.test")
	    try:
	        hello.do_handshake()
	    except ssl.SSLWantReadError:
	        pass
	    s = socket.create_connection((sys.argv[1], 443), 10)
	    s.sendall(out.read())
	    held.append(s)
	for s in held:
	    s.recv(1)  # the server's flight: it is in the handshake now
	print("held", flush=True)
	time.sleep(1000)
PY
holder=$!
wait_for 30 grep -q held "$TMP/held"
(curl -sS --max-time 200 --cacert "$TMP/cert.pem" --connect-to "app.test:443:$EDGE:443" --limit-rate 50m https://app.test/large | sha256sum >"$TMP/sum") &
transfer=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
	same "a page meanwhile" "$(fetch app.test)" "hello from plain"
done
handshakes() { cli --json conn list | jq '[.connections[] | select(.state == "handshake")] | length'; }
same "handshakes left" "$(handshakes)" 500
wait $transfer
same "the transfer" "$(cat "$TMP/sum")" "$(sha256sum <"$TMP/www/large")"
kill $holder
