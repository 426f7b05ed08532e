# edges/conflicts_have_their_codes.sh - Each conflict and each thing a credential's rules forbid has its code and exit status in the CLI, and the same code with 4xx by curl; what an agent is refused has it too; and nothing has changed.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel
# Timeout: 120
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need jq curl openssl
start_upstream nginx 9001
start_edge <<-CONF
	endpoints: [{url: "tls://file.test", upstream: "$UP:9001"}]
CONF
issue ca "" 10 basicConstraints=critical,CA:true
up="$UP:9001"
policy=$(cli ip-policy create)
ca=$(cli ca add "$TMP/ca.pem" --name staff)
one=$(cli backend create static --address "$up")
over=$(cli backend create failover --backend "$one")
group=$(cli backend create tunnel_group --label app=x)
edge=$(cli edge create --hostport held.test:443 --backend "$one" --terminate-at edge --certificate-authority staff --ip-policy "$policy" | cut -d' ' -f1)
cli endpoint add tls://own.test --upstream "$up" >/dev/null
cli endpoint add tls://pool.test --upstream "$up" --pooling-enabled >/dev/null
cli endpoint add tls://named.test --upstream "$up" --ip-policies "$policy" --terminate-at edge --certificate-authorities staff >/dev/null
state() { cli --json endpoint list | jq -cS '[.endpoints[] | {id, url, upstream}]'; cli --json edge list; cli --json backend list; cli --json ca list; cli --json ip-policy list; cli --json authtoken list; }
before=$(state)

by_cli() # CODE WORDS...: exit status 2, of a mistake 1; and the code, with "-" (a conflict) or 400 (a mistake) none
{
	local code=$1 got=0 want=2
	shift
	case $code in 249 | 327 | 397 | 228 | 1694 | 362 | 393 | 600 | 400) want=1 ;; esac
	[ "$code" != 400 ] || code=-
	cli "$@" >"$TMP/out" 2>&1 || got=$?
	same "exit status of: $* ($(cat "$TMP/out"))" "$got" "$want"
	[ "$code" = - ] || grep -q "ERR_SNISPLIT_$code\b" "$TMP/out" || fail "no $code by: $*: $(cat "$TMP/out")"
}
by_curl() # STATUS/CODE METHOD PATH [BODY]
{
	local got
	got=$(curl -sS -w '\n%{http_code}' --unix-socket "$TMP/control.sock" -X "$2" "http://x$3" ${4+-d "$4"} | jq -rs '"\(.[1])/\(.[0].error_code // "-" | ltrimstr("ERR_SNISPLIT_"))"')
	same "$2 $3 ${4:-}" "$got" "$1"
}
# ---- names
by_cli 334 endpoint add tls://own.test --upstream "$up"; by_curl 409/334 POST /endpoints "{\"url\": \"own.test\", \"upstream\": \"$up\"}"
by_cli 334 endpoint add tls://file.test --upstream "$up"; by_curl 409/334 POST /endpoints "{\"url\": \"file.test\", \"upstream\": \"$up\"}"
by_cli 334 endpoint add tls://own.test --upstream "$up" --pooling-enabled; by_curl 409/334 POST /endpoints "{\"url\": \"own.test\", \"upstream\": \"$up\", \"pooling_enabled\": true}"
by_cli 334 endpoint add tls://pool.test --upstream "$up"; by_curl 409/334 POST /endpoints "{\"url\": \"pool.test\", \"upstream\": \"$up\"}"
by_cli 334 endpoint add tls://pool.test --upstream "$up" --pooling-enabled --cidr-allow ::/0; by_curl 409/334 POST /endpoints "{\"url\": \"pool.test\", \"upstream\": \"$up\", \"pooling_enabled\": true, \"cidr_allow\": [\"::/0\"]}"
by_cli 381 endpoint add tls://held.test --upstream "$up"; by_curl 409/381 POST /endpoints "{\"url\": \"held.test\", \"upstream\": \"$up\"}"
by_cli 381 endpoint set held.test --name x; by_curl 409/381 PATCH /endpoints/held.test '{"name": "x"}'
by_cli 381 endpoint rm held.test; by_curl 409/381 DELETE /endpoints/held.test
by_cli 381 edge create --hostport held.test:443 --backend "$one"; by_curl 409/381 POST /edges/tls "{\"hostports\": [\"held.test:443\"], \"backend\": {\"backend_id\": \"$one\"}}"
by_cli 334 edge create --hostport own.test:443 --backend "$one"; by_curl 409/334 POST /edges/tls "{\"hostports\": [\"own.test:443\"], \"backend\": {\"backend_id\": \"$one\"}}"
by_cli 334 edge set "$edge" --hostport held.test:443 --hostport own.test:443; by_curl 409/334 PATCH "/edges/tls/$edge" '{"hostports": ["held.test:443", "own.test:443"]}'
by_cli 9001 endpoint rm file.test; by_curl 409/9001 DELETE /endpoints/file.test
by_cli 249 endpoint add 'tls://a*.b' --upstream "$up"; by_curl 400/249 POST /endpoints "{\"url\": \"a*.b\", \"upstream\": \"$up\"}"
by_cli 327 endpoint add tls://a..b --upstream "$up"; by_curl 400/327 POST /endpoints "{\"url\": \"a..b\", \"upstream\": \"$up\"}"
for n in 30 45; do # more than a name may have, and more than is looked at
	long=$(printf 'abcdefgh.%.0s' $(seq $n))x
	by_cli 397 endpoint add "tls://$long" --upstream "$up"; by_curl 400/397 POST /endpoints "{\"url\": \"$long\", \"upstream\": \"$up\"}"
done
# ---- what is named stays
by_cli - backend rm "$one"; by_curl 409/- DELETE "/backends/static/$one"
by_cli - ip-policy rm "$policy"; by_curl 409/- DELETE "/ip_policies/$policy"
by_cli - ca rm staff; by_curl 409/- DELETE "/certificate_authorities/$ca"
by_cli - ca add "$TMP/ca.pem" --name staff
by_curl 409/- POST /certificate_authorities "$(jq -n --rawfile p "$TMP/ca.pem" '{ca_pem: $p, name: "staff"}')"
# ---- backends and modules
by_cli 400 backend create failover --backend bkdst_none; by_curl 400/- POST /backends/failover '{"backends": ["bkdst_none"]}'
by_cli 400 backend create weighted --backend "$one=10001"; by_curl 400/- POST /backends/weighted "{\"backends\": {\"$one\": 10001}}"
by_cli 400 backend set "$over" --backend "$over"; by_curl 400/- PATCH "/backends/failover/$over" "{\"backends\": [\"$over\"]}"
by_cli 400 backend create failover --backend "$one" --backend "$one"; by_curl 400/- POST /backends/failover "{\"backends\": [\"$one\", \"$one\"]}"
by_cli 400 backend create tunnel_group --label 'a b=c'; by_curl 400/- PATCH "/backends/tunnel_group/$group" '{"labels": {}}'
by_cli 228 edge set "$edge" --certificate-authority nobody; by_curl 400/228 PUT "/edges/tls/$edge/mutual_tls" '{"certificate_authority_ids": ["nobody"]}'
by_cli 1694 edge set "$edge" --unset tls_termination; by_curl 400/1694 DELETE "/edges/tls/$edge/tls_termination"
by_cli 400 edge set "$edge" --ip-policy ipp_none; by_curl 400/- PUT "/edges/tls/$edge/ip_restriction" '{"ip_policy_ids": ["ipp_none"]}'
by_cli 362 ip-policy add-rule "$policy" allow 1.2.3.4/33; by_curl 400/362 POST /ip_policy_rules "{\"ip_policy_id\": \"$policy\", \"action\": \"allow\", \"cidr\": \"1.2.3.4/33\"}"
by_cli 393 endpoint add tls://new.test --upstream "$up" --cidr-deny ::/0; by_curl 400/393 POST /endpoints "{\"url\": \"new.test\", \"upstream\": \"$up\", \"cidr_deny\": [\"::/0\"]}"
# ---- rules of credentials
by_cli 600 authtoken add --acl app.test; by_curl 400/600 POST /credentials '{"acl": ["app.test"]}'
by_cli 600 authtoken add --acl bind:a..b; by_curl 400/600 POST /credentials '{"acl": ["bind:a..b"]}'
by_cli 600 authtoken add --acl 'bind:a b=c'; by_curl 400/600 POST /credentials '{"acl": ["bind:a b=c"]}'
by_cli 400 authtoken rm cr_none; by_curl 404/- DELETE /credentials/cr_none
by_cli 400 session stop ts_none; by_curl 404/- POST /tunnel_sessions/ts_none/stop
same "nothing has changed" "$(state)" "$before"

# ---- agents, which are refused by the edge's own protocol: exit status 2 too
by_agent() # CODE WORDS...
{
	local code=$1 got=0 want=2
	shift
	[ "$code" != 228 ] || want=1 # a mistake
	timeout 20 "$O/snisplit" "$@" --log false >"$TMP/out" 2>&1 || got=$?
	same "exit status of: $* ($(cat "$TMP/out"))" "$got" "$want"
	grep -q "ERR_SNISPLIT_$code\b" "$TMP/out" || fail "no $code by: $*: $(cat "$TMP/out")"
}
by_agent 334 tls "$up" --url own.test
by_agent 334 tls "$up" --url pool.test
by_agent 381 tls "$up" --url held.test --pooling-enabled
by_agent 228 tls "$up" --url new.test --terminate-at edge --certificate-authorities nobody
SNISPLIT_AUTHTOKEN=$(cli authtoken add --acl bind:mine.test --acl 'bind:*.below.test' --acl bind:app=web --acl 'bind:dc=*' 2>/dev/null)
by_agent 316 tls "$up" --url other.test
by_agent 316 tls "$up" --url below.test
by_agent 316 tls "$up"
by_agent 399 tunnel "$up" --label app=api
by_agent 399 tunnel "$up" --label app=web --label team=x
SNISPLIT_AUTHTOKEN=nonsense
by_agent 105 tls "$up" --url mine.test
export SNISPLIT_AUTHTOKEN=01m000000000000000000000a0_000000000000000000000000000000000000000000000000
by_agent 107 tls "$up" --url mine.test
