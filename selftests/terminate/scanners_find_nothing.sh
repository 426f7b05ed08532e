# terminate/scanners_find_nothing.sh - testssl.sh finds nothing above LOW in the protocols, ciphers and known weaknesses of a terminating endpoint, sslscan no old protocol and no weak cipher.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel
# Timeout: 240
. "$LIB"
need testssl sslscan jq python3 openssl
certificate
echo hi >"$TMP/page"
python3 -m http.server --bind "$UP" --directory "$TMP" 9000 2>/dev/null &
wait_for listening 9000
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem}]
CONF
# (the certificate is the test's own, headers are the upstream's: neither is judged)
scan() # NAME WHAT...
{
	testssl --quiet --color 0 --warnings off --nodns min --ip "$EDGE" --jsonfile "$TMP/$1.json" "${@:2}" app.test:443 >"$TMP/$1.out" 2>&1 || true
}
scan holes --vulnerable & # it waits most of the time
scan ciphers --protocols --std --fs --server-preference
wait $!
jq -s add "$TMP/ciphers.json" "$TMP/holes.json" >"$TMP/found.json"
jq -e 'map(select(.id == "TLS1_3" and .severity == "OK")) | length == 1' "$TMP/found.json" >/dev/null || fail "testssl did not get far: $(tail -n 5 "$TMP/ciphers.out")"
jq -e 'map(select(.id == "ticketbleed" or .id == "ROBOT")) | length == 2' "$TMP/found.json" >/dev/null || fail "testssl did not get to the end"
same "findings above LOW" "$(jq -c '.[] | select(.severity | test("MEDIUM|HIGH|CRITICAL|FATAL")) | [.id, .severity, .finding]' "$TMP/found.json")" ""
sslscan --no-colour --sni-name=app.test "$EDGE:443" >"$TMP/sslscan.out"
for old in SSLv2 SSLv3 TLSv1.0 TLSv1.1; do
	grep -q "^$old *disabled" "$TMP/sslscan.out" || fail "$old: $(grep "^$old" "$TMP/sslscan.out")"
done
grep -q 'Accepted  TLSv1.2' "$TMP/sslscan.out" || fail "sslscan saw no cipher"
refuse grep -E '(Accepted|Preferred).*(CBC|RC4|3DES|NULL|EXP|anon|MD5| SHA$)' "$TMP/sslscan.out"
