# control/certificates_are_uploaded_and_served.sh - `cert add` gives the names of a certificate to endpoints that have none, over a restart too; each fault is refused by its number, keys never come back, and `ca show` prints the root that clients need.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need jq curl openssl
certificate
start_upstream python 9000
start_snisplitd <<-CONF
	http: 127.0.0.1:4041
	endpoints: [{url: "tls://app.test", upstream: "tls://$UP:9000", terminate_at: edge}]
CONF

cli ca show >"$TMP/root.pem" 2>"$TMP/how"
print=$(openssl x509 -in "$TMP/root.pem" -noout -fingerprint -sha256 | sed 's/.*=//')
grep -qF "$print" "$TMP/how" || fail "ca show says another fingerprint than $print: $(cat "$TMP/how")"
page() { curl -sS --max-time 10 --cacert "$1" --connect-to "app.test:443:$EDGE:443" https://app.test/page; }
same "by the local CA" "$(page "$TMP/root.pem")" "hello from python"

refused() # MESSAGE CRT KEY
{
	local status=0
	cli cert add --crt "$TMP/$2" --key "$TMP/$3" 2>"$TMP/err" || status=$?
	same "cert add $2 $3" $status "1"
	grep -qF "$1" "$TMP/err" || fail "cert add $2 $3: no $1 in: $(cat "$TMP/err")"
}
openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 -out "$TMP/other.key" 2>/dev/null
openssl pkey -in "$TMP/key.pem" -aes128 -passout pass:x -out "$TMP/locked.key"
cat "$TMP/cert.pem" "$TMP/root.pem" >"$TMP/disorder.pem"
refused ERR_SNISPLIT_1923 cert.pem other.key
refused ERR_SNISPLIT_1924 key.pem key.pem
refused ERR_SNISPLIT_1925 cert.pem cert.pem
refused ERR_SNISPLIT_1926 disorder.pem key.pem
refused "is encrypted" cert.pem locked.key
refused "is not a PEM file" err key.pem
same "none was added" "$(cli --json cert list | jq '.tls_certificates | length')" 0

id=$(cli cert add --crt "$TMP/cert.pem" --key "$TMP/key.pem" --description "for $$" --metadata m)
same "by its own" "$(page "$TMP/cert.pem")" "hello from python"
same "list" "$(cli --json cert list | jq -r '.tls_certificates[0] | [.id, .private_key_type, .subject_alternative_names.dns_names[0], .description] | join(" ")')" "$id ecdsa app.test for $$"
cli cert list | grep -q "$id *app.test, nginx.test.*ecdsa" || fail "list: $(cli cert list)"
cli cert list --all | grep -q "local_ca  *app.test" || fail "list --all: $(cli cert list --all)"
refuse grep -rq 'PRIVATE KEY' <(cli --json cert get "$id"; cli --json endpoint list; cli --json cert list --all; cat "$TMP/snisplitd.log" "$EVENTS")
want=$(date -d "$(openssl x509 -in "$TMP/cert.pem" -noout -enddate | cut -d= -f2)" +%s)
grep -qF "snisplit_certificate_expiry_timestamp_seconds{origin=\"uploaded\",where=\"$id\",name=\"app.test\"} $want" <<<"$(curl -sS http://127.0.0.1:4041/metrics)" ||
	fail "metric: $(curl -sS http://127.0.0.1:4041/metrics | grep certificate_expiry)"
same "patched" "$(curl -sS --unix-socket "$TMP/control.sock" -X PATCH "http://x/tls_certificates/$id" -d '{"description":"new"}' | jq -r '.description + .metadata')" newm
stop_snisplitd
same "state.db" "$(stat -c %a "$TMP/state/state.db")" 600
start_again
same "after a restart" "$(page "$TMP/cert.pem")" "hello from python"
cli cert rm "$id" >/dev/null
same "removed: the local CA's again" "$(page "$TMP/root.pem")" "hello from python"
