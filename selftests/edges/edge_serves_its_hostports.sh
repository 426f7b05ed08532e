# edges/edge_serves_its_hostports.sh - An edge's names go where its backend says, through its modules; a change to either is in the next connection while others go on, survives kill -9, and nobody else gets its names.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
need python3 jq curl openssl
start_upstream nginx 9001
start_upstream python 9002
start_upstream stream 9003
start_snisplitd <<-CONF
	base_domain: edge.test
	endpoints: [{url: "tls://file.test", upstream: "$UP:9001"}]
CONF
api() { curl -sS --unix-socket "$TMP/control.sock" -X "$1" ${3:+-d "$3"} -w '\n%{http_code}' "http://x$2"; } # METHOD PATH [BODY]
code() { api "$@" | jq -rs '"\(.[1]) \(.[0].error_code // "")"'; }
one=$(cli backend create static --address "$UP:9001")
two=$(cli backend create static --address "$UP:9002" --health-check tcp)
[[ $one = bkdsc_* ]] || fail "id '$one'"
edge=$(cli edge create --hostport app.test:443 --hostport nginx.test:443 --backend "$one" | cut -d' ' -f1)
[[ $edge = edgtls_* ]] || fail "id '$edge'"
same app "$(fetch app.test)" 'hello from nginx'
same api "$(fetch nginx.test)" 'hello from nginx'
same "origin" "$(cli --json endpoint get app.test | jq -r '.origin + " " + .type')" "edge edge"

# held: by the CLI, by curl, in the file
cli endpoint add tls://app.test --upstream "$UP:9002" --pooling-enabled 2>"$TMP/err" && fail "the name was given away"
grep -q ERR_SNISPLIT_381 "$TMP/err" || fail "$(cat "$TMP/err")"
same "added by curl" "$(code POST /endpoints '{"url": "tls://app.test", "upstream": "127.0.0.1:1"}')" "409 ERR_SNISPLIT_381"
same "removed by curl" "$(code DELETE /endpoints/app.test)" "409 ERR_SNISPLIT_381"
same "changed by curl" "$(code PATCH /endpoints/app.test '{"name": "x"}')" "409 ERR_SNISPLIT_381"
same "a second edge" "$(code POST /edges/tls "{\"hostports\": [\"app.test:443\"], \"backend\": {\"backend_id\": \"$one\"}}")" "409 ERR_SNISPLIT_381"
same "one of the file's" "$(code POST /edges/tls "{\"hostports\": [\"new.test:443\", \"file.test:443\"], \"backend\": {\"backend_id\": \"$one\"}}")" "409 ERR_SNISPLIT_334"
refuse cli endpoint get new.test 2>/dev/null

# another backend: the next connection goes there, the one there is goes on
exec 3> >(in_client openssl s_client -quiet -connect "$EDGE:443" -servername app.test >"$TMP/old" 2>&1)
is_open() { [ "$(cli --json conn list | jq '[.connections[] | select(.state == "open")] | length')" = 1 ]; }
wait_for is_open
cli edge set "$edge" --backend "$two" >/dev/null
same "after edge set" "$(fetch app.test)" 'hello from python'
printf 'GET /page HTTP/1.0\r\n\r\n' >&3
wait_for grep -q 'hello from nginx' "$TMP/old"
exec 3>&-
cli backend set "$two" --address "$UP:9001" >/dev/null
same "after backend set" "$(fetch nginx.test)" 'hello from nginx'
cli backend set "$two" --address "$UP:9002" >/dev/null

# modules
p=$(cli ip-policy create)
cli ip-policy add-rule "$p" allow 192.0.2.0/24 >/dev/null
same "PUT ip_restriction" "$(code PUT "/edges/tls/$edge/ip_restriction" "{\"ip_policy_ids\": [\"$p\"]}")" "200 "
refuse fetch app.test 2>/dev/null
same "DELETE ip_restriction" "$(api DELETE "/edges/tls/$edge/ip_restriction" | tail -n 1)" 204
same "open again" "$(fetch app.test)" 'hello from python'
same "PUT tls_termination" "$(code PUT "/edges/tls/$edge/tls_termination" '{"terminate_at": "edge", "min_version": "1.3"}')" "200 "
say_tls() { in_client openssl s_client -connect "$EDGE:443" -servername app.test "$@" </dev/null 2>&1; }
say_tls -tls1_3 >"$TMP/13" || true
grep -q 'issuer=.*snisplit' "$TMP/13" || fail "it does not end here: $(cat "$TMP/13")"
say_tls -tls1_2 >"$TMP/12" || true
grep -q 'protocol version' "$TMP/12" || fail "1.2 was taken: $(cat "$TMP/12")"
same "mTLS without CAs" "$(code PUT "/edges/tls/$edge/mutual_tls" '{"enabled": true}')" "400 "
issue clients "" 30 basicConstraints=critical,CA:TRUE
cli edge set "$edge" --mutual-tls-cas "$TMP/clients.pem" >/dev/null
refuse fetch app.test -k 2>"$TMP/mtls"
grep -q 'certificate required' "$TMP/mtls" || fail "no certificate was asked for: $(cat "$TMP/mtls")"
cli edge set "$edge" --unset mutual_tls --unset tls_termination >/dev/null
same "as it began" "$(fetch app.test)" 'hello from python'
# without a backend it holds its names, and nobody serves them
gone() { [[ $(say_tls) == *'alert number 112'* ]] && refuse fetch app.test -k 2>"$TMP/gone"; }
served() { [ "$(fetch app.test)" = 'hello from python' ]; }
was=$(cli --json edge get "$edge" | jq -r .backend.backend_id)
same "new, without a backend" "$(code POST /edges/tls '{"hostports": ["none.test:443"]}')" "400 "
same "a backend without an id" "$(code PUT "/edges/tls/$edge/backend" '{"enabled": true}')" "400 "
same "DELETE backend" "$(api DELETE "/edges/tls/$edge/backend" | tail -n 1)" 204
same "its backend" "$(cli --json edge get "$edge" | jq .backend)" null
gone || fail "still served: $(say_tls)"
same "its name" "$(code POST /edges/tls "{\"hostports\": [\"app.test:443\"], \"backend\": {\"backend_id\": \"$one\"}}")" "409 ERR_SNISPLIT_381"
same "PUT backend" "$(code PUT "/edges/tls/$edge/backend" "{\"backend_id\": \"$was\"}")" "200 "
served || fail "not served again"
same "switched off" "$(code PUT "/edges/tls/$edge/backend" "{\"enabled\": false, \"backend_id\": \"$was\"}")" "200 "
gone || fail "served by a backend that is switched off: $(say_tls)"
cli edge set "$edge" --unset backend >/dev/null
stop_snisplitd
start_again
gone || fail "served after a restart: $(say_tls)"
cli edge set "$edge" --backend "$was" >/dev/null
served || fail "not served again, after a restart"

# failover and weighted; what is named stays
over=$(cli backend create failover --backend "$one" --backend "$two")
refuse cli edge set "$edge" --backend "$over" 2>"$TMP/err"
grep -q 'differ in health_check' "$TMP/err" || fail "$(cat "$TMP/err")"
cli backend set "$one" --health-check tcp >/dev/null
cli edge set "$edge" --backend "$over" >/dev/null
same "failover" "$(fetch app.test)" 'hello from nginx'
refuse cli backend rm "$one" 2>"$TMP/err"
grep -q 'names it' "$TMP/err" || fail "$(cat "$TMP/err")"
same "one that is not there" "$(code POST /backends/weighted '{"backends": {"bkdsc_no": 1}}')" "400 "
same "a weight" "$(code POST /backends/weighted "{\"backends\": {\"$one\": 10001}}")" "400 "
same "tunnel_group" "$(code POST /backends/tunnel_group '{"labels": {}}')" "400 "
weighted=$(cli backend create weighted --backend "$one=0" --backend "$two=10")
random=$(cli edge create --backend "$weighted")
name=${random#* }
[[ $name = *.edge.test:443 ]] || fail "no name of ours: $random"
same "weighted" "$(in_client curl -sSk --max-time 10 --connect-to "${name%:443}:443:$EDGE:443" "https://${name%:443}/page")" 'hello from python'

# hostports
cli edge set "$edge" --hostport app.test:443 --hostport other.test:443 >/dev/null
refuse cli endpoint get nginx.test 2>/dev/null
before=$(cli --json edge get "$edge" | jq -cS .)
stop_snisplitd KILL
start_again
same "after kill -9" "$(cli --json edge get "$edge" | jq -cS .)" "$before"
same "served after kill -9" "$(fetch app.test)" 'hello from nginx'
same "id" "$(cli --json endpoint get app.test | jq -r .id)" "$(jq -r '.endpoints."app.test:443"' <<<"$before")"
cli edge list | grep -q "$edge  *other.test:443" || fail "$(cli edge list)"
# a name may come without its port; it is kept with it, and is the same name
short=$(cli edge create --hostport Short.test --backend "$one")
same "with its port" "$short" "${short% *} short.test:443"
short=${short% *}
id=$(cli --json endpoint get short.test | jq -r .id)
cli edge set "$short" --hostport short.test. >/dev/null
same "the same name" "$(cli --json edge get "$short" | jq -c '[.hostports, .endpoints]')" "[[\"short.test:443\"],{\"short.test:443\":\"$id\"}]"
same "twice" "$(code PATCH "/edges/tls/$short" '{"hostports": ["short.test", "short.test:443"]}')" "400 "
# one that was kept without, by an earlier version
stop_snisplitd
python3 - "$TMP/state/state.db" <<-'CODE'
	import sqlite3, sys
	db = sqlite3.connect(sys.argv[1])
	n = 0
	for (table,) in db.execute("select name from sqlite_master where type = 'table'").fetchall():
	    if any(c[1] == "value" for c in db.execute(f"pragma table_info({table})")):
	        n += db.execute(f"update {table} set value = replace(value, 'short.test:443', 'short.test')").rowcount
	db.commit()
CODE
start_again
same "as it was" "$(cli --json edge get "$short" | jq -c '[.hostports, .endpoints]')" "[[\"short.test:443\"],{\"short.test:443\":\"$id\"}]"
cli edge set "$short" --description new >/dev/null
same "served" "$(fetch short.test -k)" 'hello from nginx'
cli edge rm "$short" >/dev/null
cli edge rm "$edge" >/dev/null
refuse fetch app.test 2>/dev/null
cli endpoint add tls://app.test --upstream "$UP:9002" >/dev/null
same "free again" "$(fetch app.test)" 'hello from python'
cli backend rm "$over" >/dev/null
