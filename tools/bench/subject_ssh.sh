# SPDX-License-Identifier: GPL-2.0-only
# ssh - an endpoint of ours that OpenSSH's client serves: edge, channel, gateway, ssh -R; $variant is kernel or splice (at
# the edge).  Compare with sshd.  Sourced by run; $dir, $port, $upstream, $O are set.
# shellcheck shell=bash disable=SC2154
conf()
{
	cat <<-CONF
		version: 1
		listen: ["127.0.0.1:$port"]
		datapath: $([ "$variant" = splice ] && echo userspace || echo kernel)
		workers: 1
		state_dir: $dir/state
		control: {socket: $dir/control.sock}
		http: none
		tcp: none
		tunnel: {listen: "127.0.0.1:4443"}
		ssh: {listen: "127.0.0.1:2222"}
		events: [{file: $dir/events.ndjson}]
	CONF
}
version() { "$O/snisplitd" --version | head -n 1; "$O/snisplit-sshd" --version | tail -n 1; }
start()
{
	local cli=("$O/snisplit" --socket "$dir/control.sock")
	conf >"$dir/conf"
	"$O/snisplitd" -c "$dir/conf" 2>"$dir/log" &
	pid=$!
	wait_for [ -S "$dir/control.sock" ]
	ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
	"${cli[@]}" ssh-key add "$dir/key.pub" >/dev/null
	wait_for listening 2222
	ssh -F /dev/null -i "$dir/key" -p 2222 -c aes128-gcm@openssh.com -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile=/dev/null -R "bench.test:443:$upstream" 127.0.0.1 tls >"$dir/ssh.log" 2>&1 &
	client=$!
	wait_for "${cli[@]}" endpoint get bench.test >/dev/null
}
stop()
{
	kill "$client" "$pid"
	wait "$client" "$pid" || true
}
