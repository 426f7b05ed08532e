# SPDX-License-Identifier: GPL-2.0-only
# sshd - OpenSSH's own server with ssh -R to the upstream: one port, no names; to compare ssh with.  Sourced by run; $dir,
# $port, $upstream are set.
# shellcheck shell=bash disable=SC2154
conf()
{
	cat <<-CONF
		ListenAddress 127.0.0.1:2222
		HostKey $dir/host_key
		AuthorizedKeysFile $dir/key.pub
		PidFile none
		StrictModes no
		PermitRootLogin yes
		AllowTcpForwarding remote
	CONF
	echo "ssh -c aes128-gcm@openssh.com -N -R $port:$upstream"
}
version() { sshd -V 2>&1 | sed -n 's/.*\(OpenSSH[^,]*\).*/\1/p'; }
start()
{
	mkdir -p /run/sshd
	ssh-keygen -q -t ed25519 -N '' -f "$dir/host_key"
	ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
	conf | grep -v '^ssh ' >"$dir/conf"
	"$(command -v sshd)" -D -e -f "$dir/conf" 2>"$dir/log" &
	pid=$!
	wait_for listening 2222
	ssh -F /dev/null -i "$dir/key" -p 2222 -c aes128-gcm@openssh.com -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile=/dev/null -N -R "$port:$upstream" root@127.0.0.1 2>"$dir/ssh.log" &
	client=$!
	wait_for listening "$port"
}
stop()
{
	kill "$client" "$pid"
	wait "$client" "$pid" || true
}
