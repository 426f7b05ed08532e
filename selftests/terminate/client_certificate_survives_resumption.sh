# terminate/client_certificate_survives_resumption.sh - With mutual TLS a session is resumed only with what its client once proved, in TLS 1.2 and 1.3; the subject is in each event, and a ticket of another endpoint opens nothing.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel
. "$LIB"
need openssl jq python3
certificate
issue ca "" 10 basicConstraints=critical,CA:true
issue good ca 5 extendedKeyUsage=clientAuth
echo "hello from plain" >"$TMP/page"
python3 -m http.server --bind 127.0.0.1 --directory "$TMP" 9000 2>/dev/null &
wait_for listening 9000
start_snisplitd <<-CONF
	endpoints:
	  - {url: "tls://app.test", upstream: "$UP:9000", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem,
	     mutual_tls_cas: $TMP/ca.pem}
	  - {url: "tls://nginx.test", upstream: "$UP:9000", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem}
CONF
n=0
ask() # NAME S_CLIENT-ARG...: the page, by s_client; what it says is in $TMP/said
{
	local name=$1
	shift
	n=$((n + 1))
	printf 'GET /page HTTP/1.0\r\n\r\n' | timeout 10 openssl s_client -connect "$EDGE:443" -servername "$name" -ign_eof "$@" \
		>"$TMP/said" 2>&1 || true
}
for v in 1_2 1_3; do
	with=("-tls$v" -sess_out "$TMP/$v.sess")
	ask app.test "${with[@]}" -cert "$TMP/good.pem" -key "$TMP/good.key"
	grep -q "hello from plain" "$TMP/said" || fail "1: $(cat "$TMP/said")"
	event_is $n tls.client_cert_subject="CN=good,O=test" close_reason="upstream_fin|client_fin"
	ask app.test "-tls$v" -sess_in "$TMP/$v.sess"
	grep -q "^Reused" "$TMP/said" || fail "not resumed: $(cat "$TMP/said")"
	grep -q "hello from plain" "$TMP/said" || fail "2: $(cat "$TMP/said")"
	event_is $n tls.client_cert_subject="CN=good,O=test"
	# a ticket from where no certificate is asked for
	ask nginx.test "-tls$v" -sess_out "$TMP/$v.other"
	event_is $n tls.client_cert_subject= close_reason="upstream_fin|client_fin"
	ask app.test "-tls$v" -sess_in "$TMP/$v.other"
	refuse grep -q "hello from plain" "$TMP/said"
	event_is $n close_reason=tls_handshake
done
