# terminate/half_written_pair_keeps_the_old_one.sh - A pair that is damaged, half written or does not match leaves the one read before in use, with one warning that names the file; so does a reload, and one that was never good leaves the name to the local CA.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need openssl
D=$TMP/certs
mkdir "$D"
issue ca "" 10 basicConstraints=critical,CA:true
issue one ca 5 subjectAltName=DNS:app.test,DNS:both.test
issue two ca 5 subjectAltName=DNS:app.test
cp "$TMP/one.pem" "$D/app.pem"
cp "$TMP/one.key" "$D/app.key"
echo "-----BEGIN CERTIFICATE-----" >"$D/bad.pem"
cp "$TMP/two.key" "$D/bad.key"
start_snisplitd <<-CONF
	tls: {certificates: $D}
	endpoints:
	  - {url: "tls://app.test", upstream: "127.0.0.1:9", terminate_at: edge}
	  - {url: "tls://both.test", upstream: "127.0.0.1:9", terminate_at: edge}
	  - {url: "tls://bad.test", upstream: "127.0.0.1:9", terminate_at: edge}
CONF
cn() { openssl s_client -connect "$EDGE:443" -servername "$1" </dev/null 2>/dev/null | openssl x509 -noout -subject | sed 's/.*CN = //'; }
warned() { grep -q "warning: .*$1" "$TMP/snisplitd.log"; }
is() { [ "$(cn app.test)" = "$1" ]; }
same "at first" "$(cn app.test)" one
same "the damaged one" "$(cn bad.test)" bad.test
warned "bad.pem: certificate is not valid PEM" || fail "nothing was said"

cp "$TMP/two.pem" "$D/app.pem"
wait_for warned "app.pem: key does not belong to the certificate in certificate; the pair read before stays in use"
same "not matching" "$(cn app.test)" one
head -c 300 "$TMP/two.pem" >"$D/app.pem"
wait_for warned "app.pem: certificate is not valid PEM"
same "half of it" "$(cn app.test)" one
cli reload >/dev/null
same "reloaded" "$(cn app.test)" one
rm "$D/app.key"
cp "$TMP/two.pem" "$D/app.pem"
cli reload >/dev/null
wait_for warned "app.pem: no private key is in it, nor in a .key file beside it; the pair read before stays in use"
same "without a key" "$(cn app.test)" one
cat "$TMP/one.pem" "$TMP/one.key" >"$D/both.pem"
cp "$TMP/two.pem" "$D/chain.crt"
wait_for warned "chain.crt: no private key"
wait_for eval '[ "$(cn both.test)" = one ]' # read, and then used
rm "$D/both.pem" "$D/chain.crt"
cp "$TMP/two.key" "$D/app.key"
wait_for is two
same "warnings" "$(grep -c "warning: .*app.pem" "$TMP/snisplitd.log")" 3
rm "$D/app.pem"
wait_for is app.test

mv "$D" "$TMP/away"
cli reload >/dev/null
wait_for warned "tls.certificates.*No such file"
cp "$TMP/one.pem" "$TMP/away/app.pem"
cp "$TMP/one.key" "$TMP/away/app.key"
mv "$TMP/away" "$D"
wait_for 15 is one
