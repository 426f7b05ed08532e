# ssh/several_forwards_share_a_session.sh - With --multi every -R of a session is served by its own service, one can be taken back, and one that is refused ends them all.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
. "$LIB_DIR/ssh/lib_ssh.sh"
need nginx haproxy curl jq openssl
start_upstream nginx 9001
start_upstream haproxy 9002
start_gateway 'bind:*.test' <<-CONF
	datapath: userspace
	workers: 1
CONF
start_ssh a -M -S "$TMP/master" -R "nginx.test:443:$UP:9001" -R "haproxy.test:443:$UP:9002" -R "'*.test:443:$UP:9001'" "$EDGE" tls --multi
wait "$CLIENT" && fail "a quoted wildcard is a name"
start_ssh a -M -S "$TMP/master" -R "nginx.test:443:$UP:9001" -R "haproxy.test:443:$UP:9002" -R "*.test:443:$UP:9001" "$EDGE" tls --multi
for name in nginx.test haproxy.test; do wait_for is_ready $name; done
wait_for is_ready '*.test'
for i in 1 2 3; do
	same "nginx $i" "$(fetch nginx.test)" "hello from nginx"
	same "haproxy $i" "$(fetch haproxy.test)" "hello from haproxy"
	same "any $i" "$(fetch "any$i.test" -k)" "hello from nginx"
done
same "endpoints told" "$(grep -c '^endpoint ' "$TMP/ssh.a.log")" 3

# another one, later, and one taken back
our_ssh -S "$TMP/master" -O forward -R "later.test:443:$UP:9002" "$EDGE" 2>"$TMP/err" || fail "$(cat "$TMP/err")"
wait_for is_ready later.test
same "later" "$(fetch later.test -k)" "hello from haproxy"
our_ssh -S "$TMP/master" -O cancel -R "haproxy.test:443:$UP:9002" "$EDGE" 2>/dev/null
wait_for is_gone haproxy.test
same "nginx, still" "$(fetch nginx.test)" "hello from nginx"

refused_with 316 -R "one.test:443:$UP:9001" -R "other.example:443:$UP:9001" "$EDGE" tls --multi
wait_for is_gone one.test
