# terminate/acme_clients_of_others_work.sh - uacme's ualpn answers a tls-alpn-01 validator through the endpoint, as snisplitd(8) tells to set it up, and the certificate then left in tls.certificates is served; after the order only validators are refused.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need ualpn openssl jq mandoc
D=$TMP/acme
mkdir -p "$D/private/app.test" "$D/app.test"
issue ca "" 10 basicConstraints=critical,CA:true
issue app.test ca 5 subjectAltName=DNS:app.test
# the commands of the manual, here
manual=$(mandoc -T ascii user/man/snisplitd.8 | sed -n '/^ *ualpn -d/,/^ *uacme/p' | sed -e ':a;/\\$/{N;s/\\\n *//;ba;}' -e 's/^ *//' \
	-e "s/app.example.com/app.test/; s/127.0.0.1\([@:]\)/$UP\1/g; s/:8080/:9000/")
# shellcheck disable=SC2120 # eval passes them
ualpn() { command ualpn -s "$TMP/ualpn.sock" "${@/#-d/-v}" 2>>"$TMP/ualpn.log"; }
eval "$(grep '^ualpn' <<<"$manual") &"
wait_for listening 4444
start_snisplitd <<-CONF
	tls: {certificates: $D}
CONF
eval "cli $(sed -n 's/^snisplit //p' <<<"$manual")" >/dev/null
grep -qx "uacme -c /etc/snisplit/certs -h /usr/share/uacme/ualpn.sh issue app.test" <<<"$manual" || fail "the manual says: $manual"
[ -x /usr/share/uacme/ualpn.sh ] || fail "uacme has no such hook"

proof=$(openssl dgst -sha256 -binary <<<"token.thumbprint" | openssl base64 | tr '+/' '-_' | tr -d =)
same "as the hook does" "$(ualpn <<<"auth app.test $proof")" OK
validate() # (ualpn just closes then, which is the end of it for s_client, or an error)
{
	timeout 10 openssl s_client -connect "$EDGE:443" -servername app.test -alpn acme-tls/1 </dev/null >"$TMP/said" 2>&1 || true
	grep -q "ALPN protocol: acme-tls/1" "$TMP/said"
}
validate || fail "the validator sees: $(cat "$TMP/said")"
openssl x509 -noout -text <"$TMP/said" >"$TMP/challenge"
grep -A1 "1.3.6.1.5.5.7.1.31: critical" "$TMP/challenge" | grep -q '\. ' || fail "no acmeIdentifier: $(cat "$TMP/challenge")"
event_is 1 terminated_at=upstream upstream_addr="$UP:4444" tls.alpn=acme-tls/1

cp "$TMP/app.test.key" "$D/private/app.test/key.pem"
cp "$TMP/app.test.pem" "$D/app.test/cert.pem"
served() { grep -q "Verification: OK" <(timeout 10 openssl s_client -connect "$EDGE:443" -servername app.test -CAfile "$TMP/ca.pem" </dev/null 2>&1); }
wait_for served
same "as the hook does in the end" "$(ualpn <<<"unauth app.test")" OK
refuse validate
served || fail "the order is done, and nobody is served"
