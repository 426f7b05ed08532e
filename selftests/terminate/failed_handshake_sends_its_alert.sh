# terminate/failed_handshake_sends_its_alert.sh - Each way a client's handshake fails ends with the alert OpenSSL names for it, before any upstream is contacted, and with a reason in the event; one that never goes on ends at its deadline.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need openssl jq python3
certificate
issue ca "" 10 basicConstraints=critical,CA:true
issue other "" 10 basicConstraints=critical,CA:true
issue good ca 5 extendedKeyUsage=clientAuth
issue stranger other 5 extendedKeyUsage=clientAuth
issue expired ca -1 extendedKeyUsage=clientAuth
issue server ca 5 extendedKeyUsage=serverAuth
start_snisplitd <<-CONF
	timeouts: {handshake: 2s}
	endpoints:
	  - {url: "tls://app.test", upstream: "$UP:9", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem,
	     mutual_tls_cas: $TMP/ca.pem}
CONF
n=0
# alert WANT ARG...: what s_client is told
alert()
{
	local want=$1 got
	shift
	n=$((n + 1))
	got=$( (in_client timeout 10 openssl s_client -connect "$EDGE:443" -servername app.test -quiet -cipher ALL:@SECLEVEL=0 "$@" \
		<<<x 2>&1 || true) | sed -n 's/.*SSL alert number \([0-9]*\).*/\1/p' | head -n 1)
	same "alert for $*" "$got" "$want"
	event_is $n close_reason=tls_handshake terminated_at=edge
	[ -n "$(event_field $n error)" ] || fail "no word of what went wrong"
}
alert 70 -tls1_1
same "a cipher that nobody has chosen" "$(event_field 1 tls.cipher)" 0
for v in 1_2 1_3; do
	alert "$([ $v = 1_3 ] && echo 116 || echo 40)" "-tls$v"
	alert 48 "-tls$v" -cert "$TMP/stranger.pem" -key "$TMP/stranger.key"
	alert 45 "-tls$v" -cert "$TMP/expired.pem" -key "$TMP/expired.key"
	alert 43 "-tls$v" -cert "$TMP/server.pem" -key "$TMP/server.key"
done
# half a handshake
in_client python3 - "$(unbracket "$EDGE")" <<-'PY'
	import socket, ssl, sys
	out = ssl.MemoryBIO()
	hello = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname="app.test")
	try:
	    hello.do_handshake()
	except ssl.SSLWantReadError:
	    pass
	s = socket.create_connection((sys.argv[1], 443), 10)
	s.sendall(out.read())
	while s.recv(65536):
	    pass
PY
event_is $((n + 1)) close_reason=tls_handshake
same "failed ones are counted as such" "$(cli --json endpoint get app.test | jq -r .metrics.conns.failed)" $((n + 1))
same "upstream was dialled" "$(cli --json status | jq '[.counters[]? | select(.name == "dialled") | .value] | add')" 0
