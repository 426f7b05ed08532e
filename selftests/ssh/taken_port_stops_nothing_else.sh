# ssh/taken_port_stops_nothing_else.sh - ssh -R is there by default, on port 2222; when that is taken the edge serves all the same, says so, and has it as soon as the port is free.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need jq nginx curl openssl python3 ssh-keyscan
[ -x "$O/snisplit-sshd" ] || skip "built without libssh"
start_upstream nginx 9001
chmod 711 "$TMP"
python3 -c 'import socket, time; s = socket.create_server(("0.0.0.0", 2222)); time.sleep(600)' &
holder=$!
wait_for listening 2222
configure <<-CONF
	datapath: userspace
	workers: 1
	tunnel: {listen: "$EDGE:4443"}
	endpoints: [{url: "tls://app.test", upstream: "$UP:9001"}]
CONF
sed -i '/^ssh:/d' "$TMP/snisplitd.yml"
start_again
same "the page" "$(fetch app.test)" "hello from nginx"
same "ssh, taken" "$(cli --json status | jq -c .ssh)" '{"addr":"0.0.0.0:2222","up":false}'
cli status | grep '^ssh -R on *0.0.0.0:2222, which does not listen' >"$TMP/status" || fail "$(cli status)"
wait_for 30 grep -q 'warning: ssh: snisplit-sshd does not start' "$TMP/snisplitd.log"
grep -q 'cannot listen on 0.0.0.0:2222: Address already in use' "$TMP/snisplitd.log" || fail "no reason"
kill $holder
is_up() { [ "$(cli --json status | jq .ssh.up)" = true ]; }
wait_for 30 is_up
same "host keys" "$(ssh-keyscan -p 2222 "$EDGE" 2>/dev/null | cut -d' ' -f2 | sort | xargs)" "ssh-ed25519 ssh-rsa"
stop_snisplitd

# switched off, and without what it needs
sed -i '1i ssh: none' "$TMP/snisplitd.yml"
start_again
same "ssh, off" "$(cli --json status | jq -c .ssh)" null
refuse listening 2222
stop_snisplitd
sed -i -e '/^ssh:/d' -e 's/^tunnel:.*/tunnel: none/' "$TMP/snisplitd.yml"
start_again
same "ssh, without tunnel" "$(cli --json status | jq -c .ssh)" null
stop_snisplitd
echo 'ssh: {listen: "127.0.0.1:2222"}' >>"$TMP/snisplitd.yml"
refuse "$SNISPLITD" -c "$TMP/snisplitd.yml" 2>"$TMP/err"
grep -q 'ssh: needs the tunnel port' "$TMP/err" || fail "$(cat "$TMP/err")"
