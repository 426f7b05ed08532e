# ssh/nonsense_harms_nobody.sh - Clients that log in and then send messages out of order, with wrong numbers, cut short or changed do not end the gateway, leave nothing at the edge, and another client's service is served all the while.  LONG=1: for longer.
# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 900
. "$LIB"
. "$LIB_DIR/ssh/lib_ssh.sh"
need nginx curl jq openssl
PYTHON=/usr/bin/python3 # Debian's, which has Debian's packages
$PYTHON -c 'import paramiko' 2>/dev/null || skip "paramiko is not installed"
sessions=$([ "$LONG" = 1 ] && echo 1000 || echo 12)
start_upstream nginx 9001
start_gateway <<-CONF
	datapath: userspace
	workers: 1
CONF
gateway=$(pgrep -P "$DAEMON" -f snisplit-sshd)
ssh-keygen -q -t ed25519 -N '' -f "$TMP/other"
cli ssh-key add "$TMP/other.pub" >/dev/null
start_ssh a -R "held.test:443:$UP:9001" "$EDGE" tls
wait_for is_ready held.test
for seed in 1 2; do
	$PYTHON "$LIB_DIR/helpers/ssh_nonsense.py" "$EDGE" $SSH_PORT "$TMP/other" "${SEED:-1}$seed" "$sessions" 300 \
		>"$TMP/nonsense.$seed.out" 2>"$TMP/nonsense.$seed.log" &
	pids+=($!)
done
while kill -0 "${pids[@]}" 2>/dev/null; do
	same "the page meanwhile" "$(fetch held.test -k)" "hello from nginx"
	sleep 0.5
done
for pid in "${pids[@]}"; do wait "$pid" || fail "nonsense: $(cat "$TMP"/nonsense.*.out)"; done
cat "$TMP"/nonsense.*.out
same "the gateway" "$(pgrep -P "$DAEMON" -f snisplit-sshd)" "$gateway"
only_one() { [ "$(cli --json endpoint list | jq '.endpoints | length')" = 1 ]; }
wait_for 30 only_one
same "the page" "$(fetch held.test -k)" "hello from nginx"
refuse grep -q 'runtime error\|AddressSanitizer' "$TMP/snisplitd.log"
