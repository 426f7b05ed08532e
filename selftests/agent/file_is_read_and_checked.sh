# agent/file_is_read_and_checked.sh - `start` runs tunnels of YAML files that add up; `config check` names each mistake with its line; `config add-authtoken` keeps a credential.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need jq openssl
issue app.test "" 5 subjectAltName=DNS:app.test
start_edge <<-CONF
	workers: 1
CONF
cat >"$TMP/one.yml" <<-CONF
	version: 2
	server_addr: $TUNNEL
	root_cas: $CA
	log_format: logfmt
	web_addr: 127.0.0.1:4050
	tunnels:
	  up: {proto: tls, addr: 9001, domain: up.test, terminate_at: upstream, metadata: m}
	  ag:
	    proto: tls
	    addr: localhost:9000
	    domain: ag.test
	    terminate_at: agent
	    crt: $TMP/app.test.pem
	    key: $TMP/app.test.key
	    mutual_tls_cas: $TMP/app.test.pem
	    proxy_proto: 2
CONF
cat >"$TMP/two.yml" <<-CONF
	version: 2
	authtoken: $TOKEN
	tunnels:
	  edge: {proto: http, addr: "tls://localhost:9002", domain: edge.test, ip_restriction: {allow_cidrs: [127.0.0.0/8], deny_cidrs: [127.0.0.9/32]}}
CONF
unset SNISPLIT_SERVER SNISPLIT_SERVER_CA SNISPLIT_AUTHTOKEN
sed -i 's/mutual_tls_cas.*/description: d/' "$TMP/one.yml"
chmod 600 "$TMP/one.yml" "$TMP/two.yml"
"$O/snisplit" config check --config "$TMP/one.yml" --config "$TMP/two.yml" >"$TMP/check.log" 2>&1 || fail "$(cat "$TMP/check.log")"
same "files that others may read" "$(grep -c "everybody may read" "$TMP/check.log" || true)" 0
chmod 644 "$TMP/one.yml" "$TMP/two.yml"
"$O/snisplit" config check --config "$TMP/one.yml" --config "$TMP/two.yml" >"$TMP/check.log" 2>&1 || fail "$(cat "$TMP/check.log")"
same "warnings" "$(grep -c "two.yml holds a credential and everybody may read it" "$TMP/check.log") $(grep -c warning "$TMP/check.log")" "1 1"
chmod 600 "$TMP/two.yml"
start_agent all start --all --config "$TMP/one.yml" --config "$TMP/two.yml"
for name in up ag edge; do wait_for cli endpoint get $name.test; done
same "origin" "$(cli --json endpoint get up.test | jq -r '.origin + " " + .metadata + " " + .terminate_at')" "agent m upstream"
same "where" "$(cli --json endpoint get ag.test | jq -r '.terminate_at')" agent
wait_for eval '[ "$(curl -s http://127.0.0.1:4050/api/tunnels | jq ".tunnels | map(select(.online)) | length")" = 3 ]'
same "one" "$(curl -s http://127.0.0.1:4050/api/tunnels/edge | jq -r .public_url)" tls://edge.test
same "a stranger's page" "$(curl -s -H 'Host: evil.test' -o /dev/null -w '%{http_code}' http://127.0.0.1:4050/api/tunnels)" 403
stop_agent "$AGENT"
# an endpoint that the operator removes, and a name that is none
refuse "$O/snisplit" start nobody --config "$TMP/one.yml" 2>"$TMP/none"
grep -q "no tunnel 'nobody'" "$TMP/none"
# what would fail at the start, all at once
cat >"$TMP/values.yml" <<-CONF
	version: 2
	server_addr: edge
	authtoken: foo
	web_addr: nowhere
	nonsense: 1
	tunnels:
	  a: {proto: tls, addr: 80, domain: "b ad"}
	  b: {proto: tls, addr: 80, ip_restriction: {allow_cidrs: [10.0.0.0/99]}}
	  c: {proto: tls, addr: 80, crt: /nowhere.pem}
CONF
refuse "$O/snisplit" config check --config "$TMP/values.yml" 2>"$TMP/values.log"
for pattern in "server_addr: must be" "authtoken: is none.*105" "web_addr: must be" ":5: .*nonsense" ":7: .*domain: the name 'b ad'" ":8: .*allow_cidrs.*362" ":9: .*crt and key" "no CA to know" "values.yml:2: server_addr: .*'edge'" "values.yml:4: web_addr: .*'nowhere'"; do
	grep -q -- "$pattern" "$TMP/values.log" || fail "no '$pattern' in: $(cat "$TMP/values.log")"
done
refuse "$O/snisplit" tls 80 --url a.test --terminate-at moon --cidr-allow b 2>"$TMP/moon"
for code in 224 362; do grep -q "ERR_SNISPLIT_$code" "$TMP/moon" || fail "no $code in: $(cat "$TMP/moon")"; done
# the same by `start`, before anything is online; what the edge would refuse as well
issue other.test "" 5 subjectAltName=DNS:other.test
echo junk >"$TMP/junk.pem"
cat >"$TMP/late.yml" <<-CONF
	version: 2
	server_addr: $TUNNEL
	root_cas: $CA
	authtoken: $TOKEN
	web_addr: "false"
	tunnels:
	  fine: {proto: tls, addr: 9001, domain: fine.test}
	  addr: {proto: tls, addr: foo}
	  port: {proto: tls, addr: 99999}
	  url: {proto: tls, addr: 80, domain: "https://url.test"}
	  pair:
	    proto: tls
	    addr: 80
	    proxy_proto: 3
	    terminate_at: edge
	    crt: $TMP/app.test.pem
	    key: $TMP/other.test.key
	  cas: {proto: tls, addr: 80, terminate_at: edge, mutual_tls_cas: $TMP/junk.pem}
	  up: {proto: http, addr: "tls://127.0.0.1:80", upstream_tls_verify_cas: $TMP/junk.pem}
	  gone: {proto: tls, addr: 80, crt: /nowhere.pem, key: /nowhere.key}
	  port2: {proto: tcp, addr: 80, remote_addr: "foo:70000"}
	  labels: {addr: 80, labels: [foo, a=b, a=c]}
CONF
chmod 600 "$TMP/late.yml"
for verb in "config check" "start --all"; do
	# shellcheck disable=SC2086 # words are wanted
	refuse timeout 20 "$O/snisplit" $verb --config "$TMP/late.yml" >"$TMP/late.out" 2>"$TMP/late.log"
	for pattern in ":8: tunnels.addr.addr: .*'foo'" ":9: tunnels.port.addr: .*'99999'" ":10: tunnels.url.domain: .*'https://url.test': give url.test" \
		":14: tunnels.pair.proxy_proto: must be 1 or 2, got '3'" ":17: tunnels.pair.key: $TMP/other.test.key: does not belong to the certificate" \
		":18: tunnels.cas.mutual_tls_cas: $TMP/junk.pem is not a PEM" ":19: tunnels.up.upstream_tls_verify_cas: $TMP/junk.pem is not a PEM" \
		":20: tunnels.gone.crt: /nowhere.pem cannot be read: No such file" ":20: tunnels.gone.key: /nowhere.key cannot be read: No such file" \
		":21: tunnels.port2.remote_addr: .*'foo:70000'" ":22: tunnels.labels.labels: must be KEY=VALUE, got 'foo'" ":22: tunnels.labels.labels: have 'a' twice"; do
		grep -q -- "^$TMP/late.yml$pattern" "$TMP/late.log" || fail "$verb: no '$pattern' in: $(cat "$TMP/late.log")"
	done
	same "lines of $verb" "$(wc -l <"$TMP/late.log")" 12
	refuse grep -q online "$TMP/late.out"
done
for ca in /nowhere.pem sha256:00 "$TMP/junk.pem"; do
	sed -i "s,^root_cas:.*,root_cas: $ca," "$TMP/late.yml"
	refuse "$O/snisplit" config check --config "$TMP/late.yml" 2>"$TMP/late.log"
	grep -q "^$TMP/late.yml:3: root_cas: .*$ca" "$TMP/late.log" || fail "$ca: $(cat "$TMP/late.log")"
done
# a later file's tunnel takes the place of an earlier one's, all of it; one file has it once
cat >"$TMP/first.yml" <<-CONF
	version: 2
	server_addr: $TUNNEL
	root_cas: $CA
	authtoken: $TOKEN
	web_addr: 127.0.0.1:4050
	tunnels:
	  other: {proto: tls, addr: 9001, domain: other.test}
	  again: {proto: tls, addr: foo, domain: first.test, metadata: first}
CONF
cat >"$TMP/later.yml" <<-CONF
	version: 2
	web_addr: "false"
	tunnels:
	  again: {proto: tls, addr: 9001, domain: later.test}
CONF
chmod 600 "$TMP/first.yml"
start_agent again start again --config "$TMP/first.yml" --config "$TMP/later.yml"
wait_for cli endpoint get later.test
same "what is left of the first" "$(cli --json endpoint list | jq -r '[.endpoints[] | .url, .metadata] | join(" ")')" "tls://later.test "
refuse curl -s http://127.0.0.1:4050/api/tunnels
stop_agent "$AGENT"
refuse "$O/snisplit" config check --config "$TMP/later.yml" --config "$TMP/first.yml" 2>"$TMP/late.log"
grep -q "first.yml:8: tunnels.again.addr: .*'foo'" "$TMP/late.log" || fail "$(cat "$TMP/late.log")"
printf '  again: {proto: tls, addr: 9002}\n' >>"$TMP/later.yml"
refuse "$O/snisplit" config check --config "$TMP/first.yml" --config "$TMP/later.yml" 2>"$TMP/late.log"
grep -q "later.yml:5: .*'again' is there already, in line 4" "$TMP/late.log" || fail "$(cat "$TMP/late.log")"
# two that cannot be online at once
cat >"$TMP/twice.yml" <<-CONF
	version: 2
	server_addr: $TUNNEL
	root_cas: $CA
	authtoken: $TOKEN
	tunnels:
	  a: {proto: tls, addr: 80, domain: twice.test}
	  b: {proto: tls, addr: 81, domain: "tls://Twice.test:443"}
CONF
chmod 600 "$TMP/twice.yml"
refuse timeout 20 "$O/snisplit" start --all --config "$TMP/twice.yml" >"$TMP/late.out" 2>"$TMP/late.log"
grep -q "twice.yml:7: tunnels.b.domain: tunnel 'a' has 'twice.test' already" "$TMP/late.log" || fail "$(cat "$TMP/late.log")"
"$O/snisplit" config check --config "$TMP/twice.yml" >/dev/null 2>"$TMP/late.log" || fail "each of them is fine: $(cat "$TMP/late.log")"
grep -q "warning: .*together" "$TMP/late.log"
refuse "$O/snisplit" config add-authtoken foo --config "$TMP/none.yml" 2>"$TMP/none"
[ ! -e "$TMP/none.yml" ] || fail "a token that is none was kept"
cat >"$TMP/bad.yml" <<-CONF
	version: 3
	nonsense: 1
	tunnels:
	  a: {addr: 80}
	  b: {proto: tls, addr: 80, crt: /nowhere.pem, key: /nowhere.key}
	  c: {proto: tls, addr: 80, labels: [a=b]}
	  d: {proto: http, addr: 80, basic_auth: ["a:b"]}
	  e: {proto: tls, addr: 80, terminate_at: moon}
CONF
refuse "$O/snisplit" config check --config "$TMP/bad.yml" 2>"$TMP/bad.log"
for pattern in ":1: version: must be 2" ":2: .*nonsense" ":4: .*proto .* or labels must be there" ":6: .*proto and labels exclude" ":7: .*basic_auth.*not available" ":8: .*terminate_at: must be one of"; do
	grep -q "bad.yml$pattern" "$TMP/bad.log" || fail "no '$pattern' in: $(cat "$TMP/bad.log")"
done
sed -i -e 's/version: 3/version: 2/' -e '/nonsense/d' -e '/ [acde]: /d' "$TMP/bad.yml"
refuse "$O/snisplit" config check --config "$TMP/bad.yml" 2>"$TMP/bad.log"
grep -q "nowhere.pem cannot be read" "$TMP/bad.log"
# credentials
"$O/snisplit" config add-authtoken "${TOKEN%?}1" >/dev/null
same "mode" "$(stat -c %a "$TMP/.config/snisplit/snisplit.yml")" 600
"$O/snisplit" config add-authtoken "${TOKEN%?}2" >/dev/null
same "lines" "$(grep -c . "$TMP/.config/snisplit/snisplit.yml")" 2
grep -q "^authtoken: ${TOKEN%?}2$" "$TMP/.config/snisplit/snisplit.yml"
