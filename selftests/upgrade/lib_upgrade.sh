# SPDX-License-Identifier: GPL-2.0-only
# lib_upgrade.sh - a daemon that is replaced while it runs; sourced after lib.sh.
# shellcheck shell=bash
is_gone() { ! readlink "/proc/$1/exe" >/dev/null; } # (a zombie has no program)

# The next daemon serves when this returns; DAEMON is its pid, OLD the one before.
upgrade()
{
	local out
	OLD=$DAEMON
	out=$("$SNISPLITD" -c "$TMP/snisplitd.yml" --upgrade 2>>"$TMP/upgrade.log") || return 1
	DAEMON=${out#pid } DAEMON=${DAEMON%% *}
	[ "$DAEMON" -gt 0 ] && [ "$DAEMON" != "$OLD" ]
}

# It is nobody's child by then.
stop_upgraded()
{
	kill -TERM "$DAEMON"
	wait_for 30 is_gone "$DAEMON"
	DAEMON=''
}

# ---- clients that stay ----
open_to() { cli --json conn list | jq --arg n "$1" '[.connections[] | select(.server_name == $n and .state == "open")] | length'; } # NAME

# An upstream without TLS that answers whatever comes, until it is cut.
start_answerer() # PORT
{
	need python3
	python3 - "$1" 2>"$TMP/answerer.log" <<-'PY' &
		import asyncio, sys
		async def serve(reader, writer):
		    while await reader.read(65536):
		        writer.write(b"ok")
		async def main():
		    await (await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))).serve_forever()
		asyncio.run(main())
	PY
	wait_for listening "$1"
}

# One that says one thing, and stays until it is cut; its pid is in $CLIENT.
hold() # NAME [SOURCE]
{
	local n
	n=$(open_to "$1")
	openssl s_client -quiet -connect "$EDGE:443" -bind "${2:-127.0.0.1}" -servername "$1" \
		< <(echo hello; exec sleep 100) >/dev/null 2>&1 &
	# shellcheck disable=SC2034 # for tests
	CLIENT=$!
	wait_for eval "[ \"\$(open_to $1)\" = $((n + 1)) ]"
}

# Streams to app.test that stay, until $CLIENT, their pid, is told (USR1); what it says is in $TMP/out.
hold_streams() # N
{
	local n
	n=$(live_conns)
	in_client_exec "$HELPERS/stream" client --connect "$EDGE:443" --name app.test --report "$TMP/stream.report" \
		--conns "$1" --parallel "$1" --up 1k --down 60m --hold --timeout 100 >"$TMP/out" 2>&1 &
	# shellcheck disable=SC2034 # for tests
	CLIENT=$!
	wait_for eval "[ \"\$(live_conns)\" = $((n + $1)) ]"
}
