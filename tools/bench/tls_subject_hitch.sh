# SPDX-License-Identifier: GPL-2.0-only
# hitch - one worker.  Sourced by run-tls; $dir, $port, $upstream, $tmp and $key are set.
# shellcheck shell=bash disable=SC2154,SC2034
conf()
{
	cat <<-CONF
		frontend = "[127.0.0.1]:$port"
		backend = "[${upstream%:*}]:${upstream##*:}"
		pem-file = "$tmp/$key.both"
		workers = 1
		daemon = off
		user = "root"
		syslog = off
		quiet = on
		backlog = 4096
		ocsp-dir = ""
	CONF
}
version() { hitch --version | head -n 1; }
start()
{
	conf >"$dir/conf"
	hitch --config="$dir/conf" >"$dir/log" 2>&1 &
	pid=$!
}
