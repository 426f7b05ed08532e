# agent/refusals_say_what_to_do.sh - A bad, revoked or restricted credential and a taken name end the agent with status 2 and a word on it; an unknown CA and a wrong fingerprint keep it out.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need jq openssl
issue other "" 10 basicConstraints=critical,CA:true
start_edge <<-CONF
	endpoints: [{url: "tls://file.test", upstream: "127.0.0.1:9001"}]
CONF
ends_with() # STATUS PATTERN ARG...
{
	local status=0 want=$1 pattern=$2
	shift 2
	timeout 20 "$O/snisplit" "$@" --log false >"$TMP/said.log" 2>&1 || status=$?
	same "status of $*" "$status" "$want"
	grep -qE -- "$pattern" "$TMP/said.log" || fail "$*: $(cat "$TMP/said.log")"
}
ends_with 2 "authtoken: is not valid" tls 9001 --url app.test --authtoken "${TOKEN%?????}00000"
ends_with 2 "authtoken add" tls 9001 --url app.test --authtoken nonsense
ends_with 2 "already online.*config file.*ERR_SNISPLIT_334" tls 9001 --url file.test
ends_with 2 "edge's own name.*ERR_SNISPLIT_320" tls 9001 --url connect.edge.localhost
ends_with 1 "^snisplit: --terminate-at: agent needs crt and key" tls 9001 --terminate-at agent
ends_with 1 "^snisplit: --terminate-at: must be edge, agent or upstream, got 'foo'" tls 9001 --terminate-at foo
ends_with 1 "^snisplit: --key: is missing: crt and key come together" tls 9001 --crt "$CA"
ends_with 1 "^snisplit: --crt: /nowhere cannot be read: No such file" tls 9001 --crt /nowhere --key /nowhere
ends_with 1 "^snisplit: --key: $TMP/other.key: does not belong to the certificate" tls 9001 --crt "$CA" --key "$TMP/other.key"
ends_with 1 "^snisplit: --proxy-proto: must be 1 or 2, got '3'" tls 9001 --proxy-proto 3
ends_with 1 "^snisplit: --label: must be KEY=VALUE, got 'foo'" tunnel 9001 --label foo
ends_with 1 "^snisplit: --remote-addr: .*'a:99999'" tcp 9001 --remote-addr a:99999
ends_with 1 "^snisplit: \[HOST:\]PORT: must be .*, got '99999'" tls 99999 --datapath auto
ends_with 1 "^snisplit: --server: must be HOST:PORT.*, got 'foo'" tls 9001 --server foo
ends_with 1 "^snisplit: --server-ca: is no fingerprint.*'sha256:00'" tls 9001 --server-ca sha256:00
ends_with 1 "^snisplit: --url: .*'https://app.test': give app.test" tls 9001 --url https://app.test
# shellcheck disable=SC2097,SC2098 # meant for this one
SNISPLIT_SERVER=foo ends_with 1 "^snisplit: SNISPLIT_SERVER: must be HOST:PORT.*, got 'foo'" tls 9001
ends_with 1 "tls:// .*needs --terminate-at" tls tls://localhost:443
ends_with 1 "basic-auth: not available" http 80 --basic-auth a:b
ends_with 1 "^snisplit: --cidr-deny: 'nonsense' .*" tls 9001 --url app.test --cidr-deny nonsense
ends_with 2 "fingerprint" tls 9001 --server-ca "sha256:$(printf '00%.0s' {1..32})"
# an edge that is not there is tried again and again, and who is told to end has never been there
status=0
timeout --preserve-status -s INT 2 "$O/snisplit" tls 9001 --url app.test --server 127.0.0.1:1 --log false >"$TMP/said.log" 2>&1 || status=$?
same "status without an edge: $(cat "$TMP/said.log")" $status 3
status=0
timeout --preserve-status -s INT 2 "$O/snisplit" tls 9001 --url app.test --server 127.0.0.1:1 --log stdout 2>"$TMP/said.log" >/dev/full || status=$?
same "status without a place for the log: $(cat "$TMP/said.log")" $status 3
grep -q 'stdout: not all of it could be written' "$TMP/said.log" || fail "$(cat "$TMP/said.log")"
# an edge of another CA is not talked to, and not asked again
ends_with 2 "server-ca: the edge at .* is not of this CA \(certificate refused: .*snisplit ca show" tls 9001 --server-ca "$TMP/other.pem"
same "sessions" "$(cli --json status >/dev/null; curl -s --unix-socket "$TMP/control.sock" http://x/tunnel_sessions | jq '.tunnel_sessions | length')" 0
# what is wrong is told once, besides the log, by the option's name
timeout 20 "$O/snisplit" tls 9001 --url app.test --authtoken "${TOKEN%?????}00000" >"$TMP/stdout.log" 2>"$TMP/stderr.log" || true
same "lines on stderr" "$(wc -l <"$TMP/stderr.log")" 1
grep -q '^snisplit: --authtoken: is not valid' "$TMP/stderr.log" || fail "$(cat "$TMP/stderr.log")"
ends_with 1 "\[HOST:\]PORT: .*give tls://localhost:8443" http https://localhost:8443
ends_with 1 "--url and --domain" tls 9001 --url a.test --domain b.test
# rules
few=$(cli authtoken add --acl 'bind:*.mine.test' 2>/dev/null)
ends_with 2 "do not allow.*ERR_SNISPLIT_316" tls 9001 --url app.test --authtoken "$few"
ends_with 2 "do not allow" tls 9001 --url mine.test --authtoken "$few"
refuse cli authtoken add --acl mine.test 2>/dev/null
pin=sha256:$(openssl x509 -in "$CA" -noout -fingerprint -sha256 | cut -d= -f2)
start_agent few tls 9001 --url a.mine.test --authtoken "$few" --server-ca "$pin"
wait_for cli endpoint get a.mine.test
refuse grep -raq "$few" "$TMP/state" # a hash is all that is kept
cli authtoken rm "$(cli --json authtoken list | jq -r '.credentials[-1].id')" >/dev/null
status=0
wait "$AGENT" || status=$?
same "status when it is revoked" "$status" 2
refuse cli endpoint get a.mine.test 2>/dev/null
