# passthrough/each_wait_has_its_deadline.sh - Connecting, being idle and being half-closed each end at a deadline of their own, on the kernel path too, and a connection that is busy is left alone.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need curl jq openssl python3
start_upstream nginx 9000
# Takes everything, says nothing, keeps its end open.
python3 - <<-'PY' &
	import socket
	server, held = socket.create_server(("127.0.0.1", 9001)), []
	while True:
	    held.append(server.accept())
PY
wait_for listening 9001
# What is sent there is never answered.
ip link add nowhere type veth peer name void
ip addr add 10.88.0.1/24 dev nowhere
ip link set nowhere up
ip link set void up
ip neigh add 10.88.0.9 lladdr 02:00:00:00:00:01 dev nowhere nud permanent
start_snisplitd <<-CONF
	timeouts: {connect: 700ms, idle: 2s, half_closed: 1s}
	endpoints:
	- {url: "tls://app.test", upstream: "$UP:9000"}
	- {url: "tls://python.test", upstream: "127.0.0.1:9001"}
	- {url: "tls://openssl.test", upstream: "10.88.0.9:1"}
CONF
# took N AT-LEAST-MS: as long as the deadline; how much longer is the machine's affair
took()
{
	local ms
	ms=$(closed_event "$1" | jq '(.object.conn.end_ts | .[:-1] + "Z" | sub("\\.(?<f>[0-9]+)Z"; "Z") | fromdate) as $e
		| (.object.conn.start_ts | sub("\\.(?<f>[0-9]+)Z"; "Z") | fromdate) as $s | ($e - $s) * 1000')
	[ "$ms" -ge $(($2 - 1000)) ] || fail "event $1: ended after $ms ms, want $2"
}

refuse fetch openssl.test 2>/dev/null
event_is 1 close_reason=upstream_timeout bytes_kernel=0

# A hello, then nothing, from either side.
read -r hex end _ <<<"$(say --name python.test --limit 20)"
[ "$hex $end" != '- open' ] || fail "idle, and still open"
event_is 2 close_reason=idle datapath="$MOVER" conn.bytes_out=0
took 2 2000

# The client's FIN: the other direction may go on, but not for as long as an idle one.
read -r hex end _ <<<"$(say --name python.test --fin --limit 20)"
[ "$hex $end" != '- open' ] || fail "half-closed, and still open"
event_is 3 close_reason=idle
took 3 1000

# One request a third of a second, for longer than the idle deadline, on one connection.
python3 - "$TMP/cert.pem" <<-'PY'
	import http.client, ssl, sys, time
	context = ssl.create_default_context(cafile=sys.argv[1])
	context.check_hostname = False
	class Connection(http.client.HTTPSConnection):
	    def connect(self):
	        http.client.HTTPConnection.connect(self)
	        self.sock = context.wrap_socket(self.sock, server_hostname="app.test")
	connection = Connection("127.0.0.1", 443)
	for _ in range(9):
	    connection.request("GET", "/page")
	    assert connection.getresponse().read() == b"hello from nginx\n"
	    time.sleep(0.33)
	connection.close()
PY
event_is 4 close_reason="client_fin|client_rst" datapath="$MOVER"
took 4 2500
