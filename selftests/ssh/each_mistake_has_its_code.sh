# ssh/each_mistake_has_its_code.sh - What a client asks for wrongly, or may not have, is refused with the code of the mistake on stderr and exit status 1; ssh is told why it gets no further.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
. "$LIB_DIR/ssh/lib_ssh.sh"
need jq
start_gateway 'bind:*.app.test' 'bind:held.test' <<-CONF
	datapath: userspace
	workers: 1
	endpoints: [{url: "tls://held.test", upstream: "127.0.0.1:9"}]
CONF
R="x.app.test:443:localhost:9"
refused_with 1105 -R "$R" -R "y.app.test:443:localhost:9" "$EDGE" tls
refused_with 1106 -R "$R" "v9@$EDGE" tls
refused_with 1107 -R "$R" "v2@$EDGE"
refused_with 1108 -R "$R" "v2@$EDGE" ftp
refused_with 1109 -R "$R" "v2@$EDGE" http --basic-auth user:password
refused_with 1110 -R "$R" "v2@$EDGE" tls 443
refused_with 1112 "$EDGE" tls
refused_with 1113 -R "x.app.test:8443:localhost:9" "$EDGE" tls
refused_with 1114 -R "a.test:22:localhost:9" "$EDGE" tcp --remote-addr b.test:22
refused_with 1115 -R "22:localhost:9" "$EDGE" tcp --remote-addr b.test:22
refused_with 1117 -R "a.test:0:localhost:9" "$EDGE" tcp
refused_with 1118 -R "$R" "$EDGE" tls --hostname y.app.test
refused_with 1119 -R "$R" "$EDGE" tls --subdomain y
refused_with 1120 -R "0:localhost:9" "$EDGE" tls --hostname y.app.test --subdomain y
refused_with 1123 -R "$R" "$EDGE" tls --proxy-proto=3
refused_with 224 -R "$R" "$EDGE" tls --terminate-at agent
refused_with 249 -R "app.*.test:443:localhost:9" "$EDGE" tls
refused_with 362 -R "$R" "$EDGE" tls --cidr-allow 192.0.2.0/33
refused_with 393 -R "$R" "$EDGE" tls --cidr-deny 192.0.2.0/24
refused_with 316 -R "other.test:443:localhost:9" "$EDGE" tls
refused_with 334 -R "held.test:443:localhost:9" "$EDGE" tls
our_ssh "$EDGE" tls --help | grep -q -- '--proxy-proto 1|2' || fail "no help"

# a command that is too long
refused_with 1110 -R "$R" "$EDGE" tls --name "$(printf 'a%.0s' {1..5000})"

# who shares a connection
start_ssh a -M -S "$TMP/master" -R "$R" "$EDGE" tls
wait_for ssh_says a '^forwarding '
refused_with 1104 -S "$TMP/master" "$EDGE" tls
refuse our_ssh -S "$TMP/master" -O forward -R y.app.test:443:localhost:9 "$EDGE" 2>/dev/null
ssh_says a '^ERR_SNISPLIT_1105: '
same "endpoints" "$(cli --json endpoint list | jq -r '[.endpoints[].url] | sort | join(" ")')" "tls://held.test tls://x.app.test"

# such a session is stopped, not restarted
id=$(cli --json session list | jq -r '.tunnel_sessions[0].id')
refuse cli session restart "$id" 2>"$TMP/err"
grep -q ERR_SNISPLIT_1122 "$TMP/err" || fail "$(cat "$TMP/err")"
cli session stop "$id" >/dev/null
status=0
wait "$CLIENT" || status=$?
same "exit status of a session that was stopped" $status 1
ssh_says a '^ERR_SNISPLIT_9003: '
wait_for is_gone x.app.test
same "endpoints left" "$(cli --json endpoint list | jq '.endpoints | length')" 1
