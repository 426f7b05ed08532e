# passthrough/mptcp_is_carried_outside_the_kernel.sh - Clients and listeners that speak MPTCP (as under mptcpize) lose no byte, whoever falls back; an MPTCP socket is never in the map, and the event says who carried it.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need jq cc python3
python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)' 2>/dev/null || skip "the kernel has no MPTCP"
cat >"$TMP/mptcp.c" <<'C'
/* As under mptcpize: LISTENER: what is bound to :443 speaks MPTCP; else every TCP socket does. */
#include <netinet/in.h>
#include <sys/syscall.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef LISTENER
int bind(int fd, const struct sockaddr *sa, socklen_t len)
{
	int own, one = 1;
	if (sa->sa_family == AF_INET && ((const struct sockaddr_in *)sa)->sin_port == htons(443)) {
		own = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 262);
		setsockopt(own, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		setsockopt(own, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
		dup3(own, fd, O_CLOEXEC);
		close(own);
	}
	return (int)syscall(SYS_bind, fd, sa, len);
}
#else
int socket(int family, int type, int protocol)
{
	if ((family == AF_INET || family == AF_INET6) && (type & 0xff) == SOCK_STREAM && (!protocol || protocol == IPPROTO_TCP))
		protocol = 262;
	return (int)syscall(SYS_socket, family, type, protocol);
}
#endif
C
cc -shared -fPIC -O1 -D_GNU_SOURCE -include fcntl.h -o "$TMP/all.so" "$TMP/mptcp.c"
cc -shared -fPIC -O1 -D_GNU_SOURCE -include fcntl.h -DLISTENER -o "$TMP/listener.so" "$TMP/mptcp.c"
start_upstream stream 9000
config="endpoints: [{url: \"tls://app.test\", upstream: \"$UP:9000\"}]"
run() # WRAPPER...: 40 streams
{
	"$@" "$HELPERS/stream" client --connect "$EDGE:443" --name app.test --conns 40 --parallel 10 --up 300k --down 300k --random \
		--seed $RANDOM --timeout 30 --report "$TMP/stream.report" >"$TMP/said" 2>>"$TMP/stream.log" || fail "$1: $(cat "$TMP/said")"
}
in_map() { jq -rs ".[$1:][].object.datapath" "$EVENTS" | grep -c kernel || true; }
# the listener is TCP: the client falls back, and the kernel may carry it
start_snisplitd <<<"$config"
run env LD_PRELOAD="$TMP/all.so"
wait_for has_events 40
[ "$(in_map 0)" -ge 10 ] || fail "a client that fell back is plain TCP, but only $(in_map 0) of 40 were carried by the kernel"
stop_snisplitd
# the listener is MPTCP: clients that speak it, and some that do not
start_again env LD_PRELOAD="$TMP/listener.so"
run env LD_PRELOAD="$TMP/all.so"
wait_for has_events 80
same "MPTCP connections in the kernel's map" "$(in_map 40)" 0
run env
wait_for has_events 120
jq -rs '.[40:] | map(.object.datapath) | group_by(.) | map("\(.[0]) \(length)") | join(", ")' "$EVENTS"
wait_for eval '[ "$(live_conns)" = 0 ]'
stop_snisplitd
# every socket of the daemon is: the self-test sees that the kernel path cannot be
sed -i 's/^datapath: .*/datapath: auto/' "$TMP/snisplitd.yml"
start_again env LD_PRELOAD="$TMP/all.so"
run env LD_PRELOAD="$TMP/all.so"
wait_for has_events 160
same "connections in the kernel's map" "$(in_map 120)" 0
cli --json status | jq -c .datapath
stop_snisplitd
