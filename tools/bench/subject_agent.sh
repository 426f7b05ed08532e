# SPDX-License-Identifier: GPL-2.0-only
# agent - an endpoint of ours that an agent of ours serves: edge, channel, agent; $variant is kernel or splice, or edge: the
# kernel there, splice(2) in the agent.  Compare with relays.  Sourced by run; $dir, $port, $upstream, $workers, $O are set.
# shellcheck shell=bash disable=SC2154
conf()
{
	cat <<-CONF
		version: 1
		listen: ["127.0.0.1:$port"]
		datapath: $([ "$variant" = splice ] && echo userspace || echo kernel)
		workers: $workers
		state_dir: $dir/state
		control: {socket: $dir/control.sock}
		http: none
		tunnel: {listen: "127.0.0.1:4443"}
		ssh: none
		events: []
	CONF
}
version() { "$O/snisplitd" --version | head -n 1; }
start()
{
	local cli=("$O/snisplit" --socket "$dir/control.sock") token
	conf >"$dir/conf"
	"$O/snisplitd" -c "$dir/conf" 2>"$dir/log" &
	pid=$!
	wait_for [ -S "$dir/control.sock" ]
	token=$("${cli[@]}" authtoken add 2>/dev/null)
	HOME=$dir "$O/snisplit" tls "$upstream" --url bench.test --server 127.0.0.1:4443 --server-ca "$dir/state/ca/root.pem" \
		--authtoken "$token" --datapath "$([ "$variant" = kernel ] && echo kernel || echo userspace)" --log false &
	agent=$!
	wait_for "${cli[@]}" endpoint get bench.test >/dev/null
}
stop()
{
	kill "$agent" && wait "$agent"
	kill "$pid" && wait "$pid"
}

# Bytes so far that the BPF programs moved, that user space did, and connections that are open.
moved()
{
	"$O/snisplit" --socket "$dir/control.sock" endpoint get bench.test --json |
		jq -r '.metrics | "\(.bytes_kernel) \(.bytes_user) \(.conns.gauge)"'
}
