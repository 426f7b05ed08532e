# ssh/who_cannot_log_in_reads_why.sh - Who sends no key, too many, one that is not known, or then no command, is told so by ssh itself.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
. "$LIB_DIR/ssh/lib_ssh.sh"
need jq
PYTHON=/usr/bin/python3 # Debian's, which has Debian's packages
$PYTHON -c 'import paramiko' 2>/dev/null || skip "paramiko is not installed"
start_gateway <<-CONF
	datapath: userspace
	workers: 1
CONF
R="app.test:443:localhost:9"

# tells CODE SSH ARG...: ssh has this on stderr
tells()
{
	local code=$1
	shift
	refuse ssh -F /dev/null -p $SSH_PORT -o BatchMode=yes -o LogLevel=INFO -o UserKnownHostsFile="$TMP/known_hosts" \
		-o IdentitiesOnly=yes "$@" "$EDGE" tls 2>"$TMP/err" </dev/null
	grep -q "ERR_SNISPLIT_$code: ." "$TMP/err" || fail "want $code: $(cat "$TMP/err")"
}
keys=()
for i in 1 2 3 4 5 6 7; do
	ssh-keygen -q -t ed25519 -N '' -f "$TMP/other$i"
	keys+=(-i "$TMP/other$i")
done
tells 1102 -i "$TMP/other1"
grep -q "the key $(ssh-keygen -lf "$TMP/other1.pub" | cut -d' ' -f2) is not known" "$TMP/err" || fail "$(cat "$TMP/err")"
tells 1101 "${keys[@]}"
refuse our_ssh -N -R "$R" -o LogLevel=INFO "$EDGE" 2>"$TMP/err"
grep -q 'ERR_SNISPLIT_1111: no command came' "$TMP/err" || fail "-N: $(cat "$TMP/err")"

$PYTHON - "$EDGE" $SSH_PORT >"$TMP/banner" <<-'PY'
	import sys, paramiko
	t = paramiko.Transport((sys.argv[1], int(sys.argv[2])))
	t.start_client()
	try: t.auth_password("v2", "secret")
	except paramiko.SSHException: pass
	print((t.auth_handler and t.get_banner() or b"").decode())
PY
grep -q 'ERR_SNISPLIT_1100: no key was sent' "$TMP/banner" || fail "a password: $(cat "$TMP/banner")"
