# SPDX-License-Identifier: GPL-2.0-only
# snisplitd - ours; $variant is kernel or splice.  Sourced by run; $dir, $port, $upstream, $workers, $O are set.
# shellcheck shell=bash disable=SC2154
conf()
{
	cat <<-CONF
		version: 1
		listen: ["127.0.0.1:$port"]
		datapath: ${variant/splice/userspace}
		workers: $workers
		state_dir: $dir/state
		control: {socket: $dir/control.sock}
		http: none
		tunnel: none
		ssh: none
		events: []
		${slow:+limits: {unrouted: 17000\}}
		${slow:+timeouts: {client_hello: 60s\}}
		endpoints: [{url: "tls://bench.test", upstream: "$upstream"}]
	CONF
}
version() { "$O/snisplitd" --version | head -n 1; }
start()
{
	conf >"$dir/conf"
	"$O/snisplitd" -c "$dir/conf" 2>"$dir/log" &
	pid=$!
}
stop() { kill "$pid" && wait "$pid"; }

# Bytes so far that the BPF programs moved, that user space did, and connections that are open.
moved()
{
	"$O/snisplit" --socket "$dir/control.sock" endpoint get bench.test --json |
		jq -r '.metrics | "\(.bytes_kernel) \(.bytes_user) \(.conns.gauge)"'
}

# The kernel's memory of all maps of process $1, in kB.
maps_kb()
{
	local f
	for f in "/proc/$1/fdinfo/"*; do
		awk '/^map_id/ {id = $2} /^memlock/ {kb = $2 / 1024} END {if (id) print id, kb}' "$f"
	done 2>/dev/null | sort -u | awk '{n += $2} END {print n + 0}'
}

# Starts an edge with $1 endpoints on port $2, with maps pinned apart from another's; sets pid, start_s, cpu_s, pss
# and maps.
start_many()
{
	local began first=0
	{
		conf | sed "s|:$port\"|:$2\"|; s|$dir/|$dir/$1.|; /^endpoints/d"
		printf 'pool: {max_idle: 0}\nendpoints:\n'
		seq -f "  - {url: \"tls://e%06.0f.bench.test\", upstream: \"$upstream\"}" 0 $(($1 - 1))
	} >"$dir/conf.$1"
	began=${EPOCHREALTIME//[!0-9]/}
	# shellcheck disable=SC2016 # expands inside
	unshare --mount --propagation unchanged sh -c 'mount -t bpf bpf /sys/fs/bpf && exec "$0" -c "$1"' \
		"$O/snisplitd" "$dir/conf.$1" 2>>"$dir/log" &
	pid=$!
	timeout 60 "$load" first "127.0.0.1:$2" "e%$1.bench.test" || first=$?
	start_s=$(bc <<<"scale=3; (${EPOCHREALTIME//[!0-9]/} - $began) / 1000000")
	cpu_s=$(awk '{printf "%.2f", ($14 + $15) / 100}' "/proc/$pid/stat")
	pss=$(awk '/^Pss:/ {print $2}' "/proc/$pid/smaps_rollup")
	maps=$(maps_kb "$pid")
	return $first
}

# Two edges, with 10 and with 100,000 endpoints: start, memory of each, then new connections to any of them, by turns.
many()
{
	local n start_s cpu_s pss pss10 maps maps10 pids
	if start_many 10 $((port + 100)); then
		row endpoints10 start_s "$start_s"
		pids=$pid pss10=$pss maps10=$maps
		if start_many 100000 $((port + 200)); then
			row endpoints100000 start_s "$start_s"
			row endpoints100000 start_cpu_s "$cpu_s"
			row endpoints100000 kb_each "$(bc <<<"scale=3; ($pss - $pss10) / 100000")"
			row endpoints100000 map_kb_each "$(bc <<<"scale=3; ($maps - $maps10) / 100000")"
			for n in 10 100000 100000 10 10 100000; do
				measure endpoints$n short "127.0.0.1:$((port + (n == 10 ? 100 : 200)))" "e%$n.bench.test" 1 "$held_s"
			done
		else
			row endpoints100000 failed 1
		fi
		kill "$pids"
	fi
	kill "$pid"
	# shellcheck disable=SC2086 # one or two
	wait $pids "$pid" || true
}
