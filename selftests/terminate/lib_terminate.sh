# SPDX-License-Identifier: GPL-2.0-only
# lib_terminate.sh - app.test, whose TLS ends at the edge, before an upstream of the test's own;
# sourced after lib.sh.
# shellcheck shell=bash

# start_terminator [CONFIG LINE]... <PYTHON: a function serve(c), which has each connection in a
# thread; what it prints is in $TMP/up
start_terminator()
{
	need python3 openssl
	certificate
	{
		cat
		echo 'import socket, sys, threading'
		echo 's = socket.create_server((sys.argv[1], 9000))'
		echo 'while True: threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()'
	} >"$TMP/upstream.py"
	python3 "$TMP/upstream.py" "$UP" >"$TMP/up" 2>&1 &
	wait_for listening 9000
	{
		printf '%s\n' "$@"
		echo "endpoints: [{url: \"tls://app.test\", upstream: \"$UP:9000\", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem}]"
	} | start_snisplitd
}
