# ssh/other_clients_are_served.sh - dropbear's dbclient, plink, paramiko and asyncssh, each with its own order of requests, put a service online as OpenSSH does, with keys of all kinds.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
. "$LIB_DIR/ssh/lib_ssh.sh"
need nginx curl jq openssl dbclient dropbearconvert plink puttygen
PYTHON=/usr/bin/python3 # Debian's, which has Debian's packages
$PYTHON -c 'import paramiko, asyncssh' 2>/dev/null || skip "paramiko or asyncssh is not installed"
start_upstream nginx 9001
start_gateway <<-CONF
	datapath: userspace
	workers: 1
CONF
for kind in rsa ecdsa; do
	ssh-keygen -q -t $kind -m PEM -N '' -f "$TMP/$kind"
	cli ssh-key add "$TMP/$kind.pub" >/dev/null
done
dropbearconvert openssh dropbear "$TMP/ecdsa" "$TMP/ecdsa.dropbear" 2>/dev/null
puttygen "$TMP/rsa" -O private -o "$TMP/rsa.ppk"

serves() # NAME: it is online, and a page comes back
{
	wait_for is_ready "$1"
	same "the page of $1" "$(fetch "$1")" "hello from nginx"
	kill "$2"
	wait "$2" || true
	wait_for is_gone "$1"
}

HOME=$TMP dbclient -y -y -i "$TMP/ecdsa.dropbear" -p $SSH_PORT -R "app.test:443:$UP:9001" "v2@$EDGE" tls \
	>"$TMP/dropbear.log" 2>&1 </dev/null &
serves app.test $!

host_key=$(cli --json ssh-key host | jq -r '.ssh_host_keys[0].fingerprint')
HOME=$TMP plink -batch -ssh -hostkey "$host_key" -i "$TMP/rsa.ppk" -P $SSH_PORT -R "app.test:443:$UP:9001" "v2@$EDGE" tls \
	>"$TMP/plink.log" 2>&1 </dev/null &
serves app.test $!

# paramiko waits for the answer to its -R before it says the command
$PYTHON - "$EDGE" $SSH_PORT "$KEY" "$UP" >"$TMP/paramiko.log" 2>&1 <<-'PY' &
	import socket, sys, threading, paramiko
	edge, port, key, up = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
	def copy(a, b):
	    while data := a.recv(65536):
	        b.sendall(data)
	    b.shutdown(1)
	def on_channel(channel, origin, server):
	    s = socket.create_connection((up, 9001))
	    for pair in (channel, s), (s, channel):
	        threading.Thread(target=copy, args=pair, daemon=True).start()
	t = paramiko.Transport((edge, port))
	t.connect(username="v2", pkey=paramiko.Ed25519Key.from_private_key_file(key))
	t.request_port_forward("app.test", 443, on_channel)
	c = t.open_session()
	c.exec_command("tls")
	while data := c.recv(4096):
	    sys.stdout.buffer.write(data)
PY
serves app.test $!

# asyncssh says the command first here
$PYTHON - "$EDGE" $SSH_PORT "$KEY" "$UP" >"$TMP/asyncssh.log" 2>&1 <<-'PY' &
	import asyncio, sys, asyncssh
	edge, port, key, up = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
	async def main():
	    async with asyncssh.connect(edge, port, username="v2", client_keys=[key], known_hosts=None) as c:
	        p = await c.create_process("tls")
	        await c.forward_remote_port("app.test", 443, up, 9001)
	        async for line in p.stdout:
	            print(line, end="")
	asyncio.run(main())
PY
serves app.test $!
