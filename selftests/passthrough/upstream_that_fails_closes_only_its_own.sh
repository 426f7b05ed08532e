# passthrough/upstream_that_fails_closes_only_its_own.sh - An upstream that refuses, is black-holed or resets is told in the event, and a connection beside it does not notice.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath topology=veth family
# Timeout: 120
. "$LIB"
need jq pkill
ip neigh add "$(unbracket "${UP/2::2/2::9}" | sed 's/2\.2$/2.9/')" lladdr 02:00:00:00:00:09 dev e-upstream # nobody answers
hole=${UP/2::2/2::9} hole=${hole/%2.2/2.9}
start_upstream stream 9000
in_upstream_exec python3 - "$(unbracket "$UP")" <<-'PY' &
	import socket, struct, sys, threading
	def serve(s):
	    if s.recv(1):
	        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
	    s.close()
	l = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
	l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	l.bind((sys.argv[1], 9002)); l.listen(100)
	while True:
	    threading.Thread(target=serve, args=[l.accept()[0]], daemon=True).start()
PY
wait_for listening 9002 in_upstream
start_snisplitd <<-CONF
	endpoints:
	  - {url: "tls://app.test", upstream: "$UP:9000"}
	  - {url: "tls://refused.test", upstream: "$UP:9001"}
	  - {url: "tls://reset.test", upstream: "$UP:9002"}
	  - {url: "tls://hole.test", upstream: "$hole:9003"}
	timeouts: {connect: 1s}
CONF
# all along: more than all buffers hold, and the client does not read yet
stream app.test --up 5m --down 80m --seed 9 --hold --timeout 55 &
beside=$!
wait_for eval '[ "$(live_conns)" = 1 ]'
n=0
for _ in 1 2 3; do
	got=$(say --name refused.test)
	[[ $got == -\ *\ * && $got != *open* ]] || fail "refused: '$got'"
	event_is $((n += 1)) close_reason=upstream_refused endpoint_id="$(cli --json endpoint get refused.test | jq -r .id)"
	got=$(say --name reset.test)
	[[ $got == -\ rst\ * ]] || fail "reset: '$got'"
	event_is $((n += 1)) close_reason=upstream_rst
done
read -r hex end ms <<<"$(say --name hole.test)"
[ "$hex" = - ] && [ "$end" != open ] && [ "$ms" -ge 900 ] && [ "$ms" -le 3000 ] || fail "black hole: $hex $end after $ms ms"
event_is $((n += 1)) close_reason=upstream_timeout
pkill -USR1 -x stream # (there are no others: a test has its own pid namespace)
wait $beside || fail "the connection beside them: see stream.log"
event_is $((n + 1)) close_reason=client_fin datapath="$MOVER"
