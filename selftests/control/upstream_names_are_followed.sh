# control/upstream_names_are_followed.sh - An endpoint whose upstream's name does not resolve at start is there, serves nobody, and comes back by itself; a name that moves takes new connections along; reloads and changes meanwhile do not fail.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need jq curl
# (a minimal root has no hosts file to bind over: then over all of /etc)
mkdir "$TMP/etc"
cp -a /etc/. "$TMP/etc"
[ -e "$TMP/etc/hosts" ] || echo "127.0.0.1 localhost" >"$TMP/etc/hosts"
mount --bind "$TMP/etc" /etc || skip "/etc cannot be bound"
cp "$TMP/etc/hosts" "$TMP/hosts.empty"
host_is() { # ADDRESS or nothing
	{ cat "$TMP/hosts.empty"; [ -z "${1:-}" ] || echo "$1 up.internal"; } >"$TMP/etc/hosts.new"
	mv "$TMP/etc/hosts.new" "$TMP/etc/hosts"
}
start_upstream nginx 9000
UP=127.0.0.2 start_upstream python 9000
host_is 127.0.0.1
start_snisplitd <<-CONF
	timeouts: {resolve: 200ms}
	endpoints: [{url: "tls://openssl.test", upstream: "up.internal:9000"}]
CONF
cli endpoint add app.test --upstream up.internal:9000 >/dev/null
same "first page" "$(fetch app.test)" "hello from nginx"
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null || true
host_is
start_again
same "endpoints" "$(cli --json endpoint list | jq -c '[.endpoints[].host] | sort')" '["app.test","openssl.test"]'
grep -q 'app.test: its upstream up.internal:9000 does not resolve; asking again' "$TMP/snisplitd.log" || fail "not told"
refuse fetch app.test 2>/dev/null
status=0
cli endpoint add new.test --upstream up.internal:9000 2>/dev/null || status=$?
same "a new one with that name" $status 1
cli reload >/dev/null || fail "a reload fails because of DNS"
host_is 127.0.0.1
serves() { [ "$(fetch "$1" 2>/dev/null)" = "hello from $2" ]; }
wait_for serves app.test nginx
wait_for serves openssl.test nginx
id=$(cli --json endpoint get app.test | jq -r '"\(.id) \(.created_at)"')
host_is 127.0.0.2
wait_for serves app.test python
wait_for serves openssl.test python
same "id" "$(cli --json endpoint get app.test | jq -r '"\(.id) \(.created_at)"')" "$id"
# a name that goes away keeps its last address
host_is
cli reload >/dev/null || fail "a reload fails because of DNS"
serves app.test python || fail "the last address is forgotten"
grep -q 'endpoint app.test: upstream up.internal:9000 is at 127.0.0.2:9000 now' "$TMP/snisplitd.log" || fail "not told"
