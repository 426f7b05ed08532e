# edges/balance_follows_weights.sh - Upstreams with weights get their shares to within 2%; of a failover list the first that can be connected to gets everything, and gets it back.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
need python3 jq
M=selftests/fixtures/members.py
: "${CONNS:=$([ "$LONG" = 1 ] && echo 10000 || echo 3000)}"
for tag in 1 2 3; do
	python3 $M serve "$UP" 900$tag $tag &
	pid[tag]=$!
	wait_for listening 900$tag
done
start_snisplitd <<-CONF
	endpoints:
	  - {url: "tls://app.test", balance: weighted, upstream: "$UP:9001=6500, $UP:9002=3000, $UP:9003=500, $UP:9004=0"}
	  - {url: "tls://over.test", balance: failover, upstream: "$UP:9002,$UP:9001"}
CONF
out=$(python3 $M load "$EDGE" 443 app.test "$CONNS" 0)
echo "$out"
within() { jq -e --argjson n "$CONNS" --arg t "$1" --argjson s "$2" '.[$t] / $n * 100 | . > $s - 2 and . < $s + 2' <<<"$out" >/dev/null || fail "$1 has not $2%: $out"; }
within 1 65
within 2 30
within 3 5
same "keys" "$(jq -c 'keys' <<<"$out")" '["1","2","3"]'
cli endpoint add tls://api.test --balance weighted --upstream "$UP:9001=1,$UP:9003=9" >/dev/null
python3 $M load "$EDGE" 443 api.test 500 0 | jq -e '."1" == 50 and ."3" == 450' >/dev/null || fail "weights of the API"

over() { python3 $M load "$EDGE" 443 over.test 100 0; }
same "the first" "$(over)" '{"2": 100}'
kill "${pid[2]}"
wait "${pid[2]}" || true
same "the first gone" "$(over)" '{"1": 100}'
python3 $M serve "$UP" 9002 2 &
is_back() { [ "$(over)" = '{"2": 100}' ]; }
wait_for 20 is_back
kill "${pid[1]}"
wait "${pid[1]}" || true
same "the second gone" "$(over)" '{"2": 100}'

# one that was sent a byte has had its turn: nobody gets what it hangs up on, nor it once more
python3 - "$(unbracket "$UP")" "$TMP/hellos" <<-'PY' &
	import socket, struct, sys, threading
	def hang_up(s):
	    if s.recv(4096):
	        hellos.write("hello\n")
	        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
	    s.close()
	hellos = open(sys.argv[2], "w", buffering=1)
	l = socket.create_server((sys.argv[1], 9005), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
	while True:
	    threading.Thread(target=hang_up, args=l.accept()[:1]).start()
PY
wait_for listening 9005
cli endpoint add tls://after.test --balance failover --upstream "$UP:9005,$UP:9002" >/dev/null
for n in 30 60; do # those of the second round find it warm
	same "reset after the hello" "$(python3 $M load "$EDGE" 443 after.test 30 0)" '{"lost": 30}'
	same "hellos that it got" "$(wc -l <"$TMP/hellos")" $n
done

refused() # TEXT ARG...
{
	if cli endpoint add tls://x.test "${@:2}" >"$TMP/out" 2>&1; then fail "taken: ${*:2}"; fi
	grep -q -- "$1" "$TMP/out" || fail "${*:2}: $(cat "$TMP/out")"
}
refused 'upstream: has weights' --upstream "$UP:1=2,$UP:2=3"
refused 'upstream: no upstream has a weight' --balance weighted --upstream "$UP:1=0,$UP:2=0"
refused 'upstream: number 2 must be' --balance weighted --upstream "$UP:1=1,$UP:2=10001"
refused 'balance: needs more than one' --balance failover --upstream "$UP:1"
refused 'upstream: must be HOST:PORT' --upstream "$UP:1,nonsense"
refused 'upstream: has tls://' --terminate-at edge --upstream "tls://$UP:1,$UP:2"
refused 'health-rise: needs --health-check' --upstream "$UP:1" --health-rise 2
refused 'health-interval: must be' --upstream "$UP:1" --health-check tcp --health-interval 1ms
refused 'health-check: cannot be tls' --upstream "$UP:1" --health-check tls --proxy-proto 2
