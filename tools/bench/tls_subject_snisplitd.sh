# SPDX-License-Identifier: GPL-2.0-only
# snisplitd - ours, terminating.  Sourced by run-tls; $dir, $port, $upstream, $tmp, $key and $O are set.
# shellcheck shell=bash disable=SC2154,SC2034
conf()
{
	cat <<-CONF
		version: 1
		listen: ["127.0.0.1:$port"]
		workers: 1
		state_dir: $dir/state
		control: {socket: $dir/control.sock}
		http: none
		tunnel: none
		ssh: none
		events: []
		tls: {certificates: none}
		endpoints: [{url: "tls://bench.test", upstream: "$([ "$key" != again ] || echo tls://)$upstream", terminate_at: edge, crt: $tmp/$key.pem, key: $tmp/$key.key}]
	CONF
}
version() { "$O/snisplitd" --version | head -n 2 | xargs; }
start()
{
	conf >"$dir/conf"
	"$O/snisplitd" -c "$dir/conf" 2>"$dir/log" &
	pid=$!
}
