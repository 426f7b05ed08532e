# ssh/refused_forward_is_told_to_ssh.sh - A -R that is refused is answered so: ssh with ExitOnForwardFailure ends at once, and clients that wait for the answer before their command have it. One that is granted has the port.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
. "$LIB_DIR/ssh/lib_ssh.sh"
need jq
PYTHON=/usr/bin/python3 # Debian's, which has Debian's packages
$PYTHON -c 'import paramiko' 2>/dev/null || skip "paramiko is not installed"
start_gateway 'bind:*.app.test' 'bind:held.test' <<-CONF
	datapath: userspace
	workers: 1
	endpoints: [{url: "tls://held.test", upstream: "127.0.0.1:9"}]
CONF

ends_at_once() # CODE|"" ARG...
{
	local code=$1 status=0
	shift
	our_ssh -T -o ExitOnForwardFailure=yes -o ConnectTimeout=5 "$@" 2>"$TMP/err" </dev/null || status=$?
	same "exit status of ssh $*" "$status" 255
	grep -q '^Error: remote port forwarding failed' "$TMP/err" || fail "ssh $*: $(cat "$TMP/err")"
	[ -z "$code" ] || grep -q "^ERR_SNISPLIT_$code: ." "$TMP/err" || fail "ssh $*: want $code: $(cat "$TMP/err")"
}
ends_at_once 334 -R held.test:443:localhost:9 "$EDGE" tls
ends_at_once 316 -R other.test:443:localhost:9 "$EDGE" tls
ends_at_once 249 -R 'app.*.test:443:localhost:9' "$EDGE" tls
ends_at_once 1113 -R x.app.test:8443:localhost:9 "$EDGE" tls
ends_at_once 1107 -R x.app.test:443:localhost:9 "$EDGE"
# without a command
ends_at_once '' -N -R held.test:443:localhost:9 "$EDGE"
ends_at_once '' -N -R connect.edge.localhost:443:localhost:9 "$EDGE"
ends_at_once '' -N -R 'a..b:443:localhost:9' "$EDGE"

$PYTHON - "$EDGE" $SSH_PORT "$KEY" <<-'PY'
	import sys, paramiko
	t = paramiko.Transport((sys.argv[1], int(sys.argv[2])))
	t.connect(username="v2", pkey=paramiko.Ed25519Key.from_private_key_file(sys.argv[3]))
	for name in "held.test", "other.test":
	    try: t.request_port_forward(name, 443)
	    except paramiko.SSHException as e: assert "denied" in str(e), e
	    else: raise SystemExit(name + " was granted")
	assert t.request_port_forward("x.app.test", 443) == 443
	# it is ours, and for nobody
	t2 = paramiko.Transport((sys.argv[1], int(sys.argv[2])))
	t2.connect(username="v2", pkey=paramiko.Ed25519Key.from_private_key_file(sys.argv[3]))
	try: t2.request_port_forward("x.app.test", 443)
	except paramiko.SSHException: pass
	else: raise SystemExit("x.app.test was granted twice")
	t.cancel_port_forward("x.app.test", 443)
	assert t2.request_port_forward("x.app.test", 443) == 443
PY
start_ssh a -R 0:localhost:9 "$EDGE" tls --url y.app.test
wait_for ssh_says a '^Allocated port 443 for remote forward'
wait_for ssh_says a '^forwarding '
