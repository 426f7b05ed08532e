# SPDX-License-Identifier: GPL-2.0-only
# nginx - stream with ssl.  Sourced by run-tls; $dir, $port, $upstream, $tmp and $key are set.
# shellcheck shell=bash disable=SC2154,SC2034
conf()
{
	local module
	module=$(find /usr/lib/nginx/modules /usr/lib64/nginx/modules -name ngx_stream_module.so 2>/dev/null | head -n 1)
	cat <<-CONF
		${module:+load_module $module;}
		daemon off;
		user root;
		worker_processes 1;
		pid $dir/pid;
		error_log $dir/error.log;
		events { worker_connections 20000; }
		stream {
			server {
				listen 127.0.0.1:$port ssl backlog=4096;
				ssl_certificate $tmp/$key.pem;
				ssl_certificate_key $tmp/$key.key;
				ssl_protocols TLSv1.2 TLSv1.3;
				proxy_buffer_size 64k;
				tcp_nodelay on;
				proxy_pass $upstream;
				$([ "$key" != again ] || echo "proxy_ssl on; proxy_ssl_protocols TLSv1.2 TLSv1.3;")
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
