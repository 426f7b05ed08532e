# terminate/acme_challenge_reaches_its_responder.sh - acme-tls/1 for a terminating endpoint goes untouched to acme_upstream, other connections do not.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need openssl jq python3
certificate
issue challenge "" 5 subjectAltName=DNS:app.test "1.3.6.1.5.5.7.1.31=critical,DER:04:20:00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10:11:12:13:14:15:16:17:18:19:1a:1b:1c:1d:1e:1f"
openssl s_server -accept "$UP:9002" -cert "$TMP/challenge.pem" -key "$TMP/challenge.key" -alpn acme-tls/1 -quiet >/dev/null 2>&1 &
echo "hello from plain" >"$TMP/page"
python3 -m http.server --bind "$UP" --directory "$TMP" 9000 2>/dev/null &
wait_for listening 9002
wait_for listening 9000
start_snisplitd <<-CONF
	endpoints:
	  - {url: "tls://app.test", upstream: "$UP:9000", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem,
	     acme_upstream: "$UP:9002"}
CONF
openssl s_client -connect "$EDGE:443" -servername app.test -alpn acme-tls/1 </dev/null >"$TMP/said" 2>&1 || true
grep -q "ALPN protocol: acme-tls/1" "$TMP/said" || fail "$(cat "$TMP/said")"
grep -q "CN = challenge" "$TMP/said" || fail "another certificate: $(cat "$TMP/said")"
event_is 1 terminated_at=upstream upstream_addr="$UP:9002" tls.alpn=acme-tls/1 datapath="$MOVER"
same "an ordinary client" "$(fetch app.test)" "hello from plain"
event_is 2 terminated_at=edge upstream_addr="$UP:9000"
