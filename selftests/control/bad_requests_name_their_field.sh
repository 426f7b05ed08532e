# control/bad_requests_name_their_field.sh - What the API refuses is refused with its status, code and field, and changes nothing; the CLI turns it into a message and an exit status.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need jq curl
start_snisplitd <<-CONF
	endpoints: [{url: "tls://file.test", upstream: "127.0.0.1:9000"}]
CONF
# is WANT METHOD PATH [BODY]: WANT is status/code/field, "-" for none
is()
{
	local got want=$1
	got=$(curl -sS -w '\n%{http_code}' --unix-socket "$TMP/control.sock" -X "$2" "http://x$3" ${4+--data-binary "$4"})
	got=$(head -n -1 <<<"$got" | jq -r "\"\(.status_code)/\(.error_code // \"-\")/\(.details.field // \"-\")\"")
	same "$2 $3 ${4:-}" "$got" "$want"
}
up='"upstream":"127.0.0.1:9000"'
is 400/ERR_SNISPLIT_249/url POST /endpoints "{$up}"
is 400/-/upstream POST /endpoints '{"url":"a.test"}'
is 400/ERR_SNISPLIT_249/url POST /endpoints "{\"url\":\"http://a.test\",$up}"
is 400/ERR_SNISPLIT_249/url POST /endpoints "{\"url\":7,$up}"
is 400/-/nope POST /endpoints "{\"url\":\"a.test\",$up,\"nope\":1}"
is 400/-/crt POST /endpoints "{\"url\":\"a.test\",$up,\"crt\":\"x\"}"
is 400/ERR_SNISPLIT_224/terminate_at POST /endpoints "{\"url\":\"a.test\",$up,\"terminate_at\":\"agent\"}"
is 400/ERR_SNISPLIT_1694/mutual_tls_cas POST /endpoints "{\"url\":\"a.test\",$up,\"mutual_tls_cas\":\"-----BEGIN X\"}"
is 400/ERR_SNISPLIT_1911/crt POST /endpoints "{\"url\":\"a.test\",$up,\"crt\":\"-----BEGIN X\",\"key\":\"-----BEGIN X\"}"
is 400/ERR_SNISPLIT_224/terminate_at POST /endpoints "{\"url\":\"a.test\",$up,\"terminate_at\":\"moon\"}"
is 400/-/proxy_proto POST /endpoints "{\"url\":\"a.test\",$up,\"proxy_proto\":3}"
is 400/ERR_SNISPLIT_362/cidr_allow POST /endpoints "{\"url\":\"a.test\",$up,\"cidr_allow\":[\"::1/0\"]}"
is 400/ERR_SNISPLIT_393/cidr_deny POST /endpoints "{\"url\":\"a.test\",$up,\"cidr_deny\":[\"::/0\"]}"
is 403/ERR_SNISPLIT_320/url POST /endpoints "{\"url\":\"tls://connect.edge.localhost\",$up}"
is 400/-/ip_policies POST /endpoints "{\"url\":\"a.test\",$up,\"ip_policies\":[\"ipp_none\"]}"
is 400/-/description POST /endpoints "{\"url\":\"a.test\",$up,\"description\":{}}"
is 400/-/name POST /endpoints "{\"url\":\"a.test\",$up,\"name\":\"$(printf '%0300d' 1)\"}"
is 400/ERR_SNISPLIT_1662/upstream POST /endpoints '{"url":"a.test","upstream":"tls://127.0.0.1:1"}'
is 400/-/upstream POST /endpoints '{"url":"a.test","upstream":"no-such-host.invalid:1"}'
is 400/-/- POST /endpoints '{"url":'
is 400/-/- POST /endpoints '[]'
is 400/-/- POST /endpoints
printf '%01100000d' 1 >"$TMP/large"
is 413/-/- POST /endpoints "@$TMP/large"
is 409/ERR_SNISPLIT_334/url POST /endpoints "{\"url\":\"tls://File.test\",$up}"
is 409/ERR_SNISPLIT_9001/- DELETE /endpoints/file.test
is 400/-/kill DELETE '/endpoints/file.test?kill=yes'
is 400/-/x GET '/endpoints?x=1'
is 400/-/- GET /status '{"a":1}'
is 404/-/- GET /endpoints/none.test
is 404/-/- DELETE /endpoints/none.test
is 404/-/- DELETE /connections/conn_1
is 404/-/endpoint GET '/connections?endpoint=none.test'
is 404/-/- GET /no_such_thing
is 405/-/- PUT /endpoints/file.test
same "Allow" "$(curl -sS -D - -o /dev/null --unix-socket "$TMP/control.sock" -X PUT http://x/endpoints/file.test | tr -d "\r" | sed -n "s/^Allow: //p")" "GET, PATCH, DELETE"
is 400/-/since GET '/events?since=yesterday'
same "endpoints" "$(cli --json endpoint list | jq '.endpoints | length')" 1

# exits STATUS MESSAGE ARG...
exits()
{
	local status=0 want=$1 msg=$2
	shift 2
	cli "$@" >"$TMP/out" 2>"$TMP/err" || status=$?
	same "$* exits" $status "$want"
	grep -qF -- "$msg" "$TMP/err" || fail "$*: no '$msg' in: $(cat "$TMP/err")"
}
exits 1 '--crt: /x: No such file' endpoint add a.test --upstream 127.0.0.1:1 --crt /x
exits 1 '--proxy-proto: must be one of 1|2' endpoint add a.test --upstream 127.0.0.1:1 --proxy-proto=3
exits 1 '--datapath: must be one of auto|kernel|userspace' endpoint add a.test --upstream 127.0.0.1:1 --datapath bpf
exits 1 'needs --upstream' endpoint add a.test
exits 1 'did you mean --upstream?' endpoint add a.test --upstrem x
exits 1 "did you mean status?" statsu
exits 1 '--compression: not available in this version' http 8080 --compression
exits 1 "no endpoint 'none.test'" endpoint get none.test
exits 2 'ERR_SNISPLIT_334' endpoint add file.test --upstream 127.0.0.1:1
exits 2 'remove it there and reload' endpoint rm file.test
stop_snisplitd
exits 3 'systemctl start snisplitd' status
