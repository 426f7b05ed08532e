# edges/edges_are_there_from_the_first_connection.sh - Whoever is let in after a start finds the names of edges online: none hears of an unknown name while they are restored.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel
# Timeout: 60
. "$LIB"
need python3 jq
M=selftests/fixtures/members.py
python3 $M serve "$UP" 9001 here &
wait_for listening 9001
start_snisplitd </dev/null
backend=$(cli backend create static --address "$UP:9001")
for i in 1 2 3 4 5 6; do
	names=()
	for k in $(seq 20); do names+=(--hostport "e$i-$k.test:443"); done
	cli edge create --backend "$backend" "${names[@]}" >/dev/null
done
cat >"$TMP/hammer.py" <<-'PY'
	# ADDR NAME: connects until somebody answers, and says what
	import socket, sys, time
	source = open("selftests/fixtures/members.py").read().split("\nwhat, *rest")[0]
	exec(source)
	hello, until = client_hello(sys.argv[2]), time.time() + 30
	print("ready", flush=True)
	while time.time() < until:
	    try:
	        with socket.create_connection((sys.argv[1], 443), 5) as s:
	            s.sendall(hello)
	            print(s.recv(64), flush=True)
	            break
	    except OSError:
	        pass
PY
for round in 1 2 3; do
	stop_snisplitd KILL
	for k in 1 20; do
		python3 "$TMP/hammer.py" "$(unbracket "$EDGE")" "e6-$k.test" >"$TMP/said.$k" &
		pids[k]=$!
		wait_for grep -q ready "$TMP/said.$k"
	done
	start_again
	for k in 1 20; do
		wait "${pids[k]}"
		same "round $round, e6-$k" "$(tail -n 1 "$TMP/said.$k")" "b'here'"
	done
done
same "unknown names" "$(jq -s 'map(select(.object.close_reason == "unknown_name")) | length' "$EVENTS")" 0
