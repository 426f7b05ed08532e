# agent/service_that_hangs_up_is_asked_once.sh - What a service says at once, and then hangs up, reaches the client, and nobody is asked again, also when the edge sees all of it together (it threw the answer away and took the next channel, up to nineteen times).
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need python3 jq openssl
cat >"$TMP/service.py" <<-'PY'
	import socket, sys, threading, time
	def serve(c):
	    print("asked", flush=True)
	    while not open(sys.argv[2]).read(): # until the edge stands still
	        time.sleep(0.01)
	    c.sendall(b"bye\n")
	    c.close()
	s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
	while True:
	    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
PY
start_edge <<-CONF
	workers: 1
CONF
: >"$TMP/go"
python3 "$TMP/service.py" 9001 "$TMP/go" >"$TMP/asked" 2>"$TMP/service.log" &
wait_for listening 9001
start_agent edge tls 9001 --url edge.test --terminate-at edge
start_agent tcp tcp 9001
wait_for is_ready edge.test
wait_for eval '[ "$(cli --json endpoint list | jq ".endpoints | length")" = 2 ]'
tcp=$(cli --json endpoint list | jq -r '.endpoints[] | select(.proto == "tcp").url')
wait_for is_ready "$tcp"
for case in edge tcp; do
	: >"$TMP/go"
	: >"$TMP/asked"
	case $case in
	edge) openssl s_client -quiet -connect "$EDGE:443" -servername edge.test </dev/null >"$TMP/got" 2>"$TMP/s_client" & ;;
	tcp) python3 -c 'import socket, sys; s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10); print(s.makefile().read(), end="")' "${tcp##*:}" >"$TMP/got" & ;;
	esac
	client=$!
	wait_for grep -q asked "$TMP/asked"
	kill -STOP "$DAEMON"
	echo go >"$TMP/go"
	# (it is there, and over, when the agent has nothing open to the service any more)
	wait_for eval '[ -z "$(ss -Htn state established "( sport = :9001 or dport = :9001 )")" ]'
	sleep 0.2
	kill -CONT "$DAEMON"
	wait "$client" || true
	same "$case: got" "$(cat "$TMP/got")" bye
	same "$case: asked" "$(wc -l <"$TMP/asked")" 1
done
same "again" "$(cli --json status | jq '.counters[] | select(.name == "start_replayed").value')" 0
