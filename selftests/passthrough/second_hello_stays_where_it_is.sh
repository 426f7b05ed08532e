# passthrough/second_hello_stays_where_it_is.sh - After a HelloRetryRequest the second ClientHello goes to the upstream that asked for it.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need openssl jq
certificate
in_upstream_exec openssl s_server -quiet -accept "$UP:9000" -cert "$TMP/cert.pem" -key "$TMP/key.pem" -groups P-384 -WWW \
	>"$TMP/server" 2>&1 &
wait_for listening 9000 in_upstream
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
CONF
for n in 1 2 3; do
	in_client openssl s_client -connect "$EDGE:443" -servername app.test -groups X25519:P-384 -msg </dev/null >"$TMP/out" 2>&1 || true
	same "hellos of the client" "$(grep -c '^>>> .*ClientHello' "$TMP/out")" 2
	grep -q 'Server Temp Key: ECDH, secp384r1' "$TMP/out" || fail "no handshake: $(tail -n 5 "$TMP/out")"
	same "name" "$(event_field "$n" conn.server_name)" app.test
done
same "events" "$(event_count)" 3
