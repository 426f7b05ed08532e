# SPDX-License-Identifier: GPL-2.0-only
# nginx - stream with ssl_preread.  Sourced by run; $dir, $port, $upstream, $workers are set.
# shellcheck shell=bash disable=SC2154
conf()
{
	local module
	module=$(find /usr/lib/nginx/modules /usr/lib64/nginx/modules -name ngx_stream_module.so 2>/dev/null | head -n 1)
	cat <<-CONF
		${module:+load_module $module;}
		daemon off;
		user root;
		worker_processes $workers;
		pid $dir/pid;
		error_log $dir/error.log;
		events { worker_connections 19000; }
		stream {
			map \$ssl_preread_server_name \$to { bench.test $upstream; }
			server {
				listen 127.0.0.1:$port backlog=4096;
				ssl_preread on;
				proxy_buffer_size 64k;
				proxy_half_close on;
				proxy_pass \$to;
			}
		}
	CONF
}
version() { nginx -v 2>&1; }
start()
{
	conf >"$dir/conf"
	nginx -e "$dir/error.log" -c "$dir/conf" 2>"$dir/log" &
	pid=$!
}
stop() { kill "$pid"; wait "$pid" || true; }
