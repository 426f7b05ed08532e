# terminate/clients_of_each_library_are_served.sh - A terminating endpoint speaks TLS 1.2 and 1.3 with curl, libcurl over GnuTLS (git's), s_client, gnutls-cli and Python.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need openssl curl jq python3 gnutls-cli git
certificate
mkdir -p "$TMP/www/info"
echo "hello from plain" >"$TMP/www/page"
printf '%040d\trefs/heads/plain\n' 7 >"$TMP/www/info/refs"
python3 -m http.server --bind "$UP" --directory "$TMP/www" 9000 2>/dev/null &
wait_for listening 9000
start_snisplitd <<-CONF
	endpoints:
	  - {url: "tls://app.test", upstream: "$UP:9000", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem}
CONF
n=0
get() { printf 'GET /page HTTP/1.0\r\n\r\n'; }
by_curl() { fetch app.test "--tlsv$1" --tls-max "$1"; }
by_openssl() { get | openssl s_client -connect "$EDGE:443" -servername app.test -ign_eof -quiet -verify_return_error -CAfile "$TMP/cert.pem" "-tls${1/./_}" 2>&1; }
by_gnutls() # which leaves at the end of what it is to say
{
	(get; wait_for has_events $((n + 1))) | gnutls-cli --no-ca-verification --sni-hostname=app.test \
		--priority "NORMAL:-VERS-ALL:+VERS-TLS$1" -p 443 "$EDGE" 2>&1
}
by_python()
{
	python3 - "$EDGE" "$TMP/cert.pem" "${1/./_}" <<-'PY'
		import socket, ssl, sys
		c = ssl.create_default_context(cafile=sys.argv[2])
		c.minimum_version = c.maximum_version = getattr(ssl.TLSVersion, "TLSv" + sys.argv[3])
		s = c.wrap_socket(socket.create_connection((sys.argv[1], 443), 10), server_hostname="app.test")
		s.sendall(b"GET /page HTTP/1.0\r\n\r\n")
		while data := s.recv(4096):
		    sys.stdout.write(data.decode())
	PY
}
by_git() # GnuTLS by libcurl
{
	HOME=$TMP GIT_SSL_CAINFO=$TMP/cert.pem git -c "http.curloptResolve=app.test:443:$EDGE" \
		ls-remote https://app.test/ | sed 's/.*refs.heads./hello from /'
}
for v in 1.2 1.3; do
	for client in curl openssl gnutls python; do
		got=$(by_$client $v || true)
		grep -q "hello from plain" <<<"$got" || fail "$client over TLS $v: $got"
		n=$((n + 1))
		event_is $n terminated_at=edge tls.version=$v upstream_addr="$UP:9000" conn.server_name=app.test
	done
done
grep -q libcurl-gnutls <(ldd "$(git --exec-path)/git-remote-https") || echo "git has another libcurl here"
same "git" "$(by_git)" "hello from plain"
event_is $((n + 1)) terminated_at=edge tls.version=1.3 upstream_addr="$UP:9000" conn.server_name=app.test
