# ssh/options_do_what_they_say.sh - The options of the commands over SSH: where TLS ends, who may connect, whose certificates, the PROXY header, a name below the base domain, a shared name, http.
# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 120
. "$LIB"
. "$LIB_DIR/ssh/lib_ssh.sh"
need nginx curl jq openssl python3
start_upstream nginx 9001
issue staff "" 10 basicConstraints=critical,CA:true
issue others "" 10 basicConstraints=critical,CA:true
issue alice staff 5 extendedKeyUsage=clientAuth
issue mallory others 5 extendedKeyUsage=clientAuth
echo "hello in plain text" >"$TMP/page"
(cd "$TMP" && exec python3 -m http.server --bind "$UP" 9000) 2>/dev/null &
wait_for listening 9000
start_gateway <<-CONF
	datapath: userspace
	workers: 1
	base_domain: edge.test
CONF
cli ca add "$TMP/staff.pem" --name staff >/dev/null

# one NAME PORT ARG...: a session with these options
one()
{
	local name=$1 port=$2
	shift 2
	start_ssh "$name" -R "$name:$port" "$EDGE" "$@"
	wait_for ssh_says "$name" '^forwarding '
	wait_for is_ready "$(sed -n 's,^endpoint *tls://,,p' "$TMP/ssh.$name.log")"
}
plain() { fetch "$1" -k "${@:2}"; } # TLS ends at the edge, with a certificate that it made
one at-edge.test "443:$UP:9000" tls --terminate-at edge
same "terminated at the edge" "$(plain at-edge.test)" "hello in plain text"
one http.test "80:$UP:9000" http
same "http" "$(plain http.test --http2)" "hello in plain text"
event_is 2 terminated_at=edge tls.alpn=http/1.1
one staff.test "443:$UP:9000" http --mutual-tls-cas staff
same "a certificate of staff" "$(plain staff.test --cert "$TMP/alice.pem" --key "$TMP/alice.key")" "hello in plain text"
refuse plain staff.test --cert "$TMP/mallory.pem" --key "$TMP/mallory.key" 2>/dev/null
refuse plain staff.test 2>/dev/null
refused_with 1694 -R "x.test:443:localhost:9" "$EDGE" tls --mutual-tls-cas staff
refused_with 228 -R "x.test:443:localhost:9" "$EDGE" http --mutual-tls-cas nobody

one denied.test "443:$UP:9001" tls --cidr-allow 0.0.0.0/0 --cidr-allow ::/0 --cidr-deny 127.0.0.0/8
refuse fetch denied.test -k 2>/dev/null
one allowed.test "443:$UP:9001" tls --cidr-allow 127.0.0.0/8 --metadata "'a b'" --description text
same "allowed" "$(fetch allowed.test -k)" "hello from nginx"
same "its texts" "$(cli --json endpoint get allowed.test | jq -r '.metadata + "|" + .description')" "a b|text"

start_ssh sub -R "0:$UP:9001" "$EDGE" tls --subdomain mine
wait_for is_ready mine.edge.test
start_ssh made -R "443:$UP:9001" "$EDGE" tls
wait_for ssh_says made '^endpoint *tls://[0-9a-z]*\.edge\.test$'

one shared.test "443:$UP:9001" tls --pooling-enabled
start_ssh shared2 -R "shared.test:443:$UP:9001" "$EDGE" tls --pooling-enabled
wait_for ssh_says shared2 '^forwarding '
same "who share a name" "$(cli --json endpoint list | jq '[.endpoints[] | select(.url == "tls://shared.test")] | length')" 2

# the shell of the user's machine has taken the quotes off: those in the text are for the gateway
our_ssh "$EDGE" tls --help >"$TMP/help"
grep -q -- '--mutual-tls-cas NAME' "$TMP/help" || fail "$(cat "$TMP/help")"
