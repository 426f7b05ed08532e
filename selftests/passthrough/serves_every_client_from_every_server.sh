# passthrough/serves_every_client_from_every_server.sh - Any TLS client gets its page from any TLS server, whole, with the server's own certificate.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath ~family
# Timeout: 90
. "$LIB"
need curl openssl jq
kinds="nginx haproxy python"
port=9000
for kind in $kinds; do
	start_upstream "$kind" $((port += 1))
done
start_snisplitd <<-CONF
	endpoints:
	  - {url: "tls://nginx.test", upstream: "$UP:9001"}
	  - {url: "tls://haproxy.test", upstream: "$UP:9002"}
	  - {url: "tls://python.test", upstream: "$UP:9003"}
CONF
n=0
for kind in $kinds; do
	name=$kind.test
	same "curl from $kind" "$(fetch "$name")" "hello from $kind"
	same "curl TLS 1.2 from $kind" "$(fetch "$name" --tls-max 1.2)" "hello from $kind"
	got=$(printf 'GET /page HTTP/1.0\r\nHost: %s\r\n\r\n' "$name" | timeout 10 openssl s_client -quiet \
		-connect "$EDGE:443" -servername "$name" -verify_return_error -CAfile "$TMP/cert.pem" 2>"$TMP/openssl.log" || true)
	[[ $got == *"hello from $kind"* ]] || fail "openssl from $kind: $got"
	got=$(python3 - "$(unbracket "$EDGE")" "$name" "$TMP/cert.pem" <<-'PY'
		import socket, ssl, sys
		host, name, ca = sys.argv[1:]
		with ssl.create_default_context(cafile=ca).wrap_socket(
		        socket.create_connection((host, 443), 10), server_hostname=name) as s:
		    s.sendall(b"GET /page HTTP/1.0\r\nHost: %s\r\n\r\n" % name.encode())
		    print(b"".join(iter(lambda: s.recv(65536), b"")).decode())
	PY
	)
	[[ $got == *"hello from $kind"* ]] || fail "python from $kind: $got"
	n=$((n + 4))
done
if command -v gnutls-cli >/dev/null; then
	got=$(printf 'GET /page HTTP/1.0\r\nHost: nginx.test\r\n\r\n' | timeout 10 gnutls-cli --logfile "$TMP/gnutls.log" \
		--x509cafile "$TMP/cert.pem" --sni-hostname nginx.test --verify-hostname nginx.test \
		-p 443 "$(unbracket "$EDGE")" || true)
	[[ $got == *"hello from nginx"* ]] || fail "gnutls-cli from nginx: $got"
	n=$((n + 1))
fi
wait_for has_events $n
for i in $(seq $n); do
	event_is "$i" datapath="$MOVER" terminated_at=upstream "close_reason=client_fin|upstream_fin|client_rst|upstream_rst"
done
same events "$(event_count)" $n
