# ssh/openssh_puts_a_service_online.sh - `ssh -R app.test:443:localhost:PORT v2@edge tls` serves app.test until ssh ends; the user sees the key, the URL, where it is forwarded to and each connection.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
. "$LIB_DIR/ssh/lib_ssh.sh"
need nginx curl jq openssl
start_upstream nginx 9001
start_gateway <<-CONF
	workers: 1
CONF
start_ssh a -R "app.test:443:$UP:9001" "v2@$EDGE" tls
wait_for is_ready app.test
same "the page" "$(fetch app.test)" "hello from nginx"
same "the page again" "$(fetch app.test)" "hello from nginx"
event_is 1 terminated_at=upstream conn.server_name=app.test
wait_for ssh_says a '127.0.0.1:[0-9]*  tls://app.test  connected'
ssh_says a "^account  *key $(ssh-keygen -lf "$KEY.pub" | cut -d' ' -f2)$"
ssh_says a '^endpoint  *tls://app.test$'
ssh_says a '^forwarding  *tls://app.test -> '
same "the session's transport" "$(curl -s --unix-socket "$TMP/control.sock" http://x/tunnel_sessions | jq -r '.tunnel_sessions[0].transport')" ssh
kill "$CLIENT"
wait "$CLIENT" || true
wait_for is_gone app.test
