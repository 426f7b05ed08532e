# edges/clients_show_certificates_of_named_cas.sh - A CA uploaded once is named by an endpoint, an edge and an agent, which let in only clients of its; it is refused when it is not one CA, not removed while named, and there after kill -9.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel
# Timeout: 90
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need openssl jq python3 curl
issue one "" 10 basicConstraints=critical,CA:true
issue two "" 10 basicConstraints=critical,CA:true
issue leaf "" 10 basicConstraints=critical,CA:false
issue of_one one 5 extendedKeyUsage=clientAuth
issue of_two two 5 extendedKeyUsage=clientAuth
echo page >"$TMP/page"
python3 -m http.server --bind "$UP" --directory "$TMP" 9000 2>/dev/null &
wait_for listening 9000
start_edge <<-CONF
	base_domain: edge.test
CONF
api() { curl -sS --unix-socket "$TMP/control.sock" -X "$1" ${3:+-d "$3"} -w '\n%{http_code}' "http://x$2"; } # METHOD PATH [BODY]
code() { api "$@" | jq -rs '"\(.[1]) \(.[0].error_code // "")"'; }
get() { in_client curl -sSk --max-time 10 --connect-to "$1:443:$EDGE:443" --cert "$TMP/$2.pem" --key "$TMP/$2.key" "https://$1/page"; } # NAME CERT
lets_in() { same "$1 for $2" "$(get "$1" "$2")" page; refuse get "$1" "$3" 2>/dev/null; } # NAME GOOD BAD

ca=$(cli ca add "$TMP/one.pem" --name staff --description 'those who work here')
[[ $ca = ca_* ]] || fail "id '$ca'"
ca2=$(cli ca add "$TMP/two.pem")
same fields "$(cli --json ca get staff | jq -r '"\(.id) \(.name) \(.subject_common_name) \(.ca_pem[:27])"')" "$ca staff one -----BEGIN CERTIFICATE-----"
cli ca list >"$TMP/list"
grep -q "$ca  *staff  *one" "$TMP/list" || fail "$(cat "$TMP/list")"
pem() { jq -n --rawfile p "$TMP/$1" --arg n "${2:-}" '{ca_pem: $p, name: $n}'; }
same "a leaf" "$(code POST /certificate_authorities "$(pem leaf.pem)")" "400 ERR_SNISPLIT_1913"
cat "$TMP/one.pem" "$TMP/two.pem" >"$TMP/both.pem"
same "two of them" "$(code POST /certificate_authorities "$(pem both.pem)")" "400 ERR_SNISPLIT_1912"
same "no PEM" "$(code POST /certificate_authorities "$(pem page)")" "400 ERR_SNISPLIT_1695"
same "a key" "$(code POST /certificate_authorities "$(pem one.key)")" "400 ERR_SNISPLIT_1911"
same "a name that is taken" "$(code POST /certificate_authorities "$(pem one.pem staff)")" "409 "
same "PATCH" "$(api PATCH "/certificate_authorities/$ca" '{"metadata": "m"}' | jq -rs '"\(.[1]) \(.[0].metadata) \(.[0].description)"')" "200 m those who work here"
same "PATCH of the PEM" "$(code PATCH "/certificate_authorities/$ca" "$(pem two.pem)")" "400 "

cli endpoint add tls://own.test --upstream "$UP:9000" --terminate-at edge --certificate-authorities staff >/dev/null
lets_in own.test of_one of_two
cli endpoint add tls://no.test --upstream "$UP:9000" --certificate-authorities staff 2>"$TMP/err" && fail "passthrough with a CA"
grep -q ERR_SNISPLIT_1694 "$TMP/err" || fail "$(cat "$TMP/err")"
cli endpoint add tls://no.test --upstream "$UP:9000" --terminate-at edge --certificate-authorities nobody 2>"$TMP/err" && fail "an unknown CA"
grep -q ERR_SNISPLIT_228 "$TMP/err" || fail "$(cat "$TMP/err")"

edge=$(cli edge create --hostport edge.test:443 --backend "$(cli backend create static --address "$UP:9000")" --terminate-at edge --certificate-authority "$ca2" | cut -d' ' -f1)
lets_in edge.test of_two of_one
same "PUT of both" "$(code PUT "/edges/tls/$edge/mutual_tls" "{\"certificate_authority_ids\": [\"staff\", \"$ca2\"]}")" "200 "
same "one" "$(get edge.test of_one)" page
same "two" "$(get edge.test of_two)" page
same "eleven" "$(code PUT "/edges/tls/$edge/mutual_tls" "$(jq -nc '{certificate_authority_ids: [range(11) | "x\(.)"]}')")" "400 ERR_SNISPLIT_1675"

start_agent a tls "$UP:9000" --terminate-at edge --url agent.test --certificate-authorities staff
wait_for is_ready agent.test
lets_in agent.test of_one of_two

cli ca rm staff 2>"$TMP/err" && fail "removed while it was named"
grep -q 'names it' "$TMP/err" || fail "$(cat "$TMP/err")"
cli edge set "$edge" --certificate-authority "$ca2" >/dev/null
same "DELETE while an edge names it" "$(code DELETE "/certificate_authorities/$ca2")" "409 "
cli ca list >"$TMP/list"
stop_snisplitd KILL
start_again
same "after kill -9" "$(cli ca list)" "$(cat "$TMP/list")"
lets_in own.test of_one of_two
lets_in edge.test of_two of_one
cli edge rm "$edge" >/dev/null
cli ca rm "$ca2" >/dev/null
same "GET of what is gone" "$(code GET "/certificate_authorities/$ca2")" "404 "
