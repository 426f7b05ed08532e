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
for pattern in "server_addr: must be" "authtoken: is none.*105" "web_addr: must be" ":5: .*nonsense" ":7: .*domain: the name 'b ad'" ":8: .*allow_cidrs" ":9: .*crt and key" "no CA to know"; do
	grep -q -- "$pattern" "$TMP/values.log" || fail "no '$pattern' in: $(cat "$TMP/values.log")"
done
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
