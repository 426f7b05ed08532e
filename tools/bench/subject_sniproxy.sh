# SPDX-License-Identifier: GPL-2.0-only
# sniproxy - one process, one thread: it has no more.  Sourced by run; $dir, $port, $upstream and $bytes are set.
# shellcheck shell=bash disable=SC2154
bytes=$((bytes / 8)) # at under a tenth of the others' rate it would take most of the time
conf()
{
	cat <<-CONF
		user root
		pidfile $dir/pid
		error_log {
			filename $dir/log
			priority warning
		}
		listener 127.0.0.1:$port {
			protocol tls
			table t
		}
		table t {
			bench\\.test $upstream
		}
	CONF
}
version() { sniproxy -V 2>&1 | head -n 1; }
start()
{
	conf >"$dir/conf"
	sniproxy -f -c "$dir/conf" -n "$(ulimit -n)" &
	pid=$!
}
stop() { kill "$pid"; wait "$pid" || true; }
