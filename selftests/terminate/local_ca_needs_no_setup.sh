# terminate/local_ca_needs_no_setup.sh - An endpoint that has no certificate gets one of the local CA, which curl, gnutls-cli, Python and Chromium accept once they trust its root; wildcards, names below them and the default endpoint too; a restart serves the same.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need openssl curl gnutls-cli python3 chromium certutil
mkdir "$TMP/www"
echo "hello from plain" >"$TMP/www/page"
cp "$TMP/www/page" "$TMP/www/page.html"
python3 -m http.server --bind 127.0.0.1 --directory "$TMP/www" 9000 2>/dev/null &
wait_for listening 9000
start_snisplitd <<-CONF
	default_endpoint: tls://app.test
	endpoints:
	  - {url: "tls://app.test", upstream: "127.0.0.1:9000", terminate_at: edge}
	  - {url: "tls://*.wild.test", upstream: "127.0.0.1:9000", terminate_at: edge}
CONF
refuse test -e "$TMP/state/ca/root.key"
cli ca show >"$TMP/root.pem" 2>/dev/null
same "modes" "$(stat -c %a "$TMP/state/ca" "$TMP/state/ca/root.key" | xargs)" "700 600"
for name in app.test a.wild.test b.wild.test deep.er.wild.test; do
	same "$name" "$(curl -sS --max-time 10 --cacert "$TMP/root.pem" --connect-to "$name:443:$EDGE:443" "https://$name/page")" "hello from plain"
done
same "issued" "$(cd "$TMP/state/ca/issued" && stat -c '%n %a' ./* | xargs)" "./+.wild.test.pem 600 ./app.test.pem 600"
show() { openssl s_client -connect "$EDGE:443" "$@" </dev/null 2>/dev/null | openssl x509 -noout -subject -fingerprint; }
show -noservername | grep -q "CN = app.test" || fail "no name: $(show -noservername)"
show -servername stranger.test | grep -q "CN = app.test" || fail "another name: $(show -servername stranger.test)"
gnutls-cli --x509cafile="$TMP/root.pem" --sni-hostname=app.test --verify-hostname=app.test -p 443 "$EDGE" </dev/null >"$TMP/gnutls" 2>&1 ||
	fail "gnutls-cli: $(cat "$TMP/gnutls")"
python3 - "$TMP/root.pem" "$EDGE" <<-'PY'
	import socket, ssl, sys
	c = ssl.create_default_context(cafile=sys.argv[1])
	c.verify_flags |= ssl.VERIFY_X509_STRICT
	s = c.wrap_socket(socket.create_connection((sys.argv[2], 443), 10), server_hostname="x.wild.test")
	assert dict(s.getpeercert()["subjectAltName"]) == {"DNS": "*.wild.test"}, s.getpeercert()
PY
export HOME=$TMP/home
mkdir -p "$HOME/.pki/nssdb"
certutil -d "sql:$HOME/.pki/nssdb" -N --empty-password
certutil -d "sql:$HOME/.pki/nssdb" -A -t C,, -n snisplit -i "$TMP/root.pem"
browse() { timeout 40 chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --host-resolver-rules="MAP app.test $EDGE" --dump-dom "$1" 2>"$TMP/chromium.err"; }
browse https://app.test/page.html | grep -q "hello from plain" || fail "Chromium: $(tail -n 5 "$TMP/chromium.err")"
before=$(show -servername app.test)
stop_snisplitd
start_again
same "after a restart" "$(show -servername app.test)" "$before"
