# passthrough/acme_alpn_reaches_the_upstream.sh - A tls-alpn-01 validation of a passthrough name is the upstream's to answer.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need openssl jq
certificate
in_upstream_exec openssl s_server -quiet -accept "$UP:9000" -cert "$TMP/cert.pem" -key "$TMP/key.pem" -alpn acme-tls/1 -WWW \
	>"$TMP/server" 2>&1 &
wait_for listening 9000 in_upstream
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
CONF
in_client openssl s_client -connect "$EDGE:443" -servername app.test -alpn acme-tls/1 </dev/null >"$TMP/out" 2>&1 || true
grep -q '^ALPN protocol: acme-tls/1$' "$TMP/out" || fail "not negotiated: $(grep ALPN "$TMP/out")"
same "ALPN in the event" "$(event_field 1 tls.alpn)" acme-tls/1
