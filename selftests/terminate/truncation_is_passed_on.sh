# terminate/truncation_is_passed_on.sh - A client's FIN without close_notify becomes a reset for a plain upstream, an upstream's reset a FIN without close_notify for the client: what was cut off never looks whole.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
. "$LIB_DIR/terminate/lib_terminate.sh"
need jq
start_terminator <<-'PY'
	import socket, struct, sys
	def serve(c):
	    got = b""
	    try:
	        while b"\n" not in got and (data := c.recv(65536)):
	            got += data
	        if got.startswith(b"reset"):
	            c.sendall(b"x" * 50000)
	            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
	        else:
	            while data := c.recv(65536):
	                got += data
	        how = "fin"
	    except ConnectionResetError:
	        how = "rst"
	    if got:  # a warm one that was never used says nothing
	        sys.stdout.write(f"{how} {len(got)}\n")
	        sys.stdout.flush()
	    c.close()
PY
cat >"$TMP/client.py" <<-'PY'
	import socket, ssl, sys
	c = ssl.create_default_context(cafile=sys.argv[2])
	c.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)  # or Python takes any FIN for an end
	s = c.wrap_socket(socket.create_connection((sys.argv[1], 443), 10), server_hostname="app.test",
	                  suppress_ragged_eofs=False)
	if sys.argv[3] == "cut":
	    s.sendall(b"hello\n" + b"y" * 70000)
	    raw = s.detach()
	    socket.socket(fileno=raw).shutdown(socket.SHUT_WR)
	    socket.socket(fileno=raw).close()
	elif sys.argv[3] == "whole":
	    s.sendall(b"hello\n" + b"y" * 70000)
	    s.unwrap()
	else:
	    s.sendall(b"reset\n")
	    got = 0
	    try:
	        while data := s.recv(65536):
	            got += len(data)
	        print("end", got)
	    except ssl.SSLError:  # unexpected eof
	        print("cut", got)
	    except ConnectionResetError:
	        print("rst", got)
PY
has_line() { [ "$(wc -l <"$TMP/up")" -ge "$1" ]; }
python3 "$TMP/client.py" "$EDGE" "$TMP/cert.pem" whole
wait_for has_line 1
same "close_notify, then FIN" "$(sed -n 1p "$TMP/up")" "fin 70006"
event_is 1 close_reason=client_fin
python3 "$TMP/client.py" "$EDGE" "$TMP/cert.pem" cut 2>/dev/null || true
wait_for has_line 2
[[ "$(sed -n 2p "$TMP/up")" == rst* ]] || fail "a cut stream looked whole: $(cat "$TMP/up")"
event_is 2 close_reason=client_rst
got=$(python3 "$TMP/client.py" "$EDGE" "$TMP/cert.pem" reset)
[[ "$got" == cut* ]] || [[ "$got" == rst* ]] || fail "the upstream's reset came as: $got"
event_is 3 close_reason=upstream_rst
