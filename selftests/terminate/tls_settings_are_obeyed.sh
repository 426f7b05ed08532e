# terminate/tls_settings_are_obeyed.sh - tls.min_version and max_version bound what clients may speak; a reload takes another tls.certificates, and refuses other versions by name; a staple beside a certificate is sent to those who ask.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need openssl jq
mkdir "$TMP/a" "$TMP/b"
issue ca "" 10 basicConstraints=critical,CA:true
for d in a b; do
	issue $d ca 5 subjectAltName=DNS:app.test
	cp "$TMP/$d.pem" "$TMP/$d.key" "$TMP/$d"
done
printf 'V\t491231235959Z\t\t%s\tunknown\t/O=test/CN=a\n' "$(openssl x509 -in "$TMP/a.pem" -noout -serial | cut -d= -f2)" >"$TMP/index"
openssl ocsp -index "$TMP/index" -CA "$TMP/ca.pem" -rsigner "$TMP/ca.pem" -rkey "$TMP/ca.key" -issuer "$TMP/ca.pem" -cert "$TMP/a.pem" \
	-ndays 2 -respout "$TMP/a/a.ocsp" >/dev/null 2>&1
start_snisplitd <<-CONF
	tls: {min_version: "1.3", certificates: $TMP/a}
	endpoints: [{url: "tls://app.test", upstream: "127.0.0.1:9", terminate_at: edge}]
CONF
client() { openssl s_client -connect "$EDGE:443" -servername app.test "$@" </dev/null 2>&1 || true; }
cn() { client "$@" | sed -n 's/^subject=.*CN = //p'; }
grep -q "alert number 70" <<<"$(client -tls1_2)" || fail "1.2: $(client -tls1_2 | head -n 3)"
same "1.3" "$(cn -tls1_3)" a
grep -q "Cert Status: good" <<<"$(client -status -CAfile "$TMP/ca.pem")" || fail "no staple: $(client -status | grep -A3 OCSP)"

sed -i "s|/a}|/b}|" "$TMP/snisplitd.yml"
cli reload >/dev/null
same "reloaded" "$(cn)" b
sed -i 's|min_version: "1.3"|min_version: "1.2"|' "$TMP/snisplitd.yml"
refuse cli reload 2>"$TMP/err"
grep -q "tls.min_version has changed, which needs a restart" "$TMP/err" || fail "$(cat "$TMP/err")"
sed -i "s|certificates: $TMP/b|max_version: \"1.2\", certificates: none|" "$TMP/snisplitd.yml"
stop_snisplitd
start_again
grep -q "alert number 70" <<<"$(client -tls1_3)" || fail "1.3: $(client -tls1_3 | head -n 3)"
same "1.2" "$(cn -tls1_2)" app.test
