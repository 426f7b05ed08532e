# ssh/dead_client_gives_its_name_back.sh - A name is taken from a session of the same key whose client is there no more, not from one that is; killed clients, and a killed gateway, leave nothing behind.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
. "$LIB_DIR/ssh/lib_ssh.sh"
need nginx curl jq openssl
start_upstream nginx 9001
start_gateway <<-CONF
	datapath: userspace
	workers: 1
CONF
start_ssh a -R "app.test:443:$UP:9001" "$EDGE" tls
wait_for is_ready app.test
a=$CLIENT
refused_with 334 -R "app.test:443:$UP:9001" "$EDGE" tls
same "the page" "$(fetch app.test)" "hello from nginx"

# stopped, it is as a client behind a network that is gone
kill -STOP "$a"
start_ssh b -R "app.test:443:$UP:9001" "$EDGE" tls
b=$CLIENT
wait_for ssh_says b '^forwarding '
wait_for is_ready app.test
same "the page by the second" "$(fetch app.test)" "hello from nginx"
kill -KILL "$a"
wait "$a" || true

kill -KILL "$b"
wait "$b" || true
wait_for is_gone app.test

# the gateway comes back by itself
start_ssh c -R "app.test:443:$UP:9001" "$EDGE" tls
c=$CLIENT
wait_for is_ready app.test
old=$(pgrep -P "$DAEMON" -f snisplit-sshd)
kill -KILL "$old"
wait "$c" && fail "ssh ends well although the gateway was killed"
wait_for is_gone app.test
is_back() { new=$(pgrep -P "$DAEMON" -f snisplit-sshd) && [ "$new" != "$old" ] && listening $SSH_PORT; }
wait_for is_back
start_ssh d -R "app.test:443:$UP:9001" "$EDGE" tls
wait_for is_ready app.test
same "the page by the new gateway" "$(fetch app.test)" "hello from nginx"

# a key that is removed ends its sessions
cli ssh-key rm "$(cli --json ssh-key list | jq -r '.ssh_credentials[0].id')" >/dev/null
wait_for is_gone app.test
wait "$CLIENT" && fail "ssh ends well although its key was removed"
ssh_says d 'ERR_SNISPLIT_1102'
