# start/config_errors_name_their_line.sh - Every mistake in the configuration is told with FILE:LINE at once, and nothing starts.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
cat >"$TMP/bad.yml" <<-'CONF'
	version: 1
	listen: ["0.0.0.0:99999"]
	no_such_key: 1
	limits: {connections: many}
	timeouts: {client_hello: 3 parsecs}
	endpoints:
	  - {url: "tls://app.test", upstream: "nowhere"}
	  - {url: "tls://192.0.2.1", upstream: "127.0.0.1:1"}
CONF
for args in --check ""; do
	status=0
	# shellcheck disable=SC2086 # a word or none
	timeout 10 "$SNISPLITD" -c "$TMP/bad.yml" $args >"$TMP/out" 2>&1 || status=$?
	same "exit status" $status 1
	for line in 2 3 4 5 7 8; do
		grep -q "bad.yml:$line: " "$TMP/out" || fail "nothing about line $line: $(cat "$TMP/out")"
	done
done
: >"$TMP/empty.yml"
"$SNISPLITD" -c "$TMP/empty.yml" --check
status=0
"$SNISPLITD" -c "$TMP/none.yml" --check 2>"$TMP/out" || status=$?
same "exit status without a file" $status 1
grep -q none.yml "$TMP/out" || fail "the file is not named: $(cat "$TMP/out")"
status=0
"$SNISPLITD" --no-such-option 2>"$TMP/out" || status=$?
same "exit status for a wrong option" $status 1

# of one endpoint all mistakes, and what only shows when endpoints are made, or listeners opened
issue a "" 2 basicConstraints=critical,CA:true
issue b "" 2
issue leaf a 2 basicConstraints=critical,CA:false
check() # <file; leaves what is said in $TMP/out
{
	cat >"$TMP/more.yml"
	status=0
	"$SNISPLITD" -c "$TMP/more.yml" --check >"$TMP/out" 2>&1 || status=$?
}
says() # LINE PATTERN...
{
	local line=$1 p
	shift
	for p; do grep -q "more.yml:$line: $p" "$TMP/out" || fail "nothing of '$p': $(cat "$TMP/out")"; done
}
mistakes() { grep -c 'more.yml:[0-9]*: ' "$TMP/out"; }
check <<-CONF
	endpoints:
	  - {url: "tls://1.2.3.4", upstream: foo, max_conns: 0, cidr_allow: [1.2.3.4/99]}
	  - {max_conns: 0, cidr_allow: [1.2.3.4/99], cidr_deny: [10.0.0.0/8], proxy_proto: 5, foo: 1}
	  - {url: c.test, upstream: "tls://127.0.0.1:1", mutual_tls_cas: $TMP/a.pem, health_rise: 3}
	  - {url: c.test, upstream: "127.0.0.1:1"}
	  - {url: d.test, upstream: "tls://127.0.0.1:1", crt: $TMP/a.pem, key: $TMP/b.key, mutual_tls_cas: $TMP/leaf.pem, upstream_tls_verify_cas: $TMP/leaf.pem}
	  - {url: e.test, upstream: "127.0.0.1:1", crt: $TMP/nix.pem, key: $TMP/a.key, mutual_tls_cas: $TMP/a.pem, conn_rate: 0}
CONF
same "exit status" $status 1
says 2 'endpoints\[0\].url: ' 'endpoints\[0\].upstream: ' 'endpoints\[0\].max_conns: ' 'endpoints\[0\].cidr_allow: '
says 3 'endpoints\[1\].url: is missing' 'endpoints\[1\].upstream: is missing' 'endpoints\[1\].max_conns: ' \
	'endpoints\[1\].cidr_allow: ' 'endpoints\[1\].proxy_proto: ' "endpoints\[1\]: unknown field 'foo'"
says 4 'endpoints\[2\].mutual_tls_cas: needs terminate_at edge' 'endpoints\[2\].upstream: tls://' 'endpoints\[2\].health_rise: needs'
says 5 'endpoints\[3\]: tls://c.test is already on line 4'
says 6 'endpoints\[4\].key: does not belong' 'endpoints\[4\].mutual_tls_cas: ' 'endpoints\[4\].upstream_tls_verify_cas: '
says 7 'endpoints\[5\].crt: .*nix.pem cannot be read' 'endpoints\[5\].conn_rate: '
same "mistakes: $(cat "$TMP/out")" "$(mistakes)" 19

for pair in '0.0.0.0:443 0.0.0.0:443' '0.0.0.0:443 127.0.0.1:443' '127.0.0.1:1443 127.0.0.1:1443'; do
	for key in 'tunnel: {listen: "ADDR"}' 'ssh: {listen: "ADDR"}' 'http: "ADDR"'; do
		check < <(printf 'listen: "%s"\n%s\n' "${pair% *}" "${key/ADDR/${pair#* }}")
		same "exit status of $pair" $status 1
		says 2 "${key%%:*}.*: '${pair#* }' is taken by listen, ${pair% *}"
	done
done
check < <(printf 'http: "127.0.0.1:4443"\n')
says 1 "http: '127.0.0.1:4443' is taken by tunnel.listen, 0.0.0.0:4443 (the default)"
check < <(printf 'listen: ["0.0.0.0:443", "[::]:443"]\ntunnel: {listen: "127.0.0.1:2222"}\n')
same "exit status when only the gateway's default is taken" $status 0
says 2 'warning: ssh.listen: .0.0.0.0:2222. (the default) is taken by tunnel.listen, 127.0.0.1:2222: there will be no ssh -R'

check < <(printf 'default_endpoint: tls://nobody.test\nendpoints: [{url: a.test, upstream: "h:1"}]\n')
same "exit status with a default of others" $status 0
says 1 'warning: default_endpoint: no endpoint of this file is tls://nobody.test'
for url in a.test '*.test'; do
	check < <(printf 'default_endpoint: tls://a.test\nendpoints: [{url: "%s", upstream: "h:1"}]\n' "$url")
	same "with a default: $(cat "$TMP/out")" "$(mistakes)" 0
done
