# ssh/unprivileged_daemon_leaves_it_to_its_unit.sh - A daemon that may not start the gateway, as under its unit, serves all else, says who is to start it, and leaves what the gateway's unit needs; with `ssh: none`, or when it starts it itself, that is gone.
# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 120
. "$LIB"
. "$LIB_DIR/ssh/lib_ssh.sh"
need jq setpriv
start_upstream openssl 9000
env=$TMP/state/ssh/gateway.env
bounded="setpriv --bounding-set -all,+bpf,+perfmon,+net_admin,+net_bind_service --no-new-privs"
chmod 711 "$TMP"
configure <<-CONF
	datapath: userspace
	workers: 1
	tunnel: {listen: "$TUNNEL"}
	ssh: {listen: "$EDGE:$SSH_PORT"}
CONF
# shellcheck disable=SC2086 # words are wanted
start_again $bounded
grep -q 'warning: ssh: left to snisplit-sshd.service .*CAP_SETUID' "$TMP/snisplitd.log" || fail "not in the log"
cli status | grep -q "^ssh -R on  *$EDGE:$SSH_PORT: left to snisplit-sshd.service (.*systemctl start" || fail "$(cli status | grep ssh)"
same "up" "$(cli --json status | jq .ssh.up)" false
refuse listening $SSH_PORT

# what the unit does
unit=$LIB_DIR/../tools/snisplit-sshd.service
grep -qx 'ConditionPathExists=/var/lib/snisplit/ssh/gateway.env' "$unit" || fail "the unit does not ask for the file"
grep -qx 'EnvironmentFile=/var/lib/snisplit/ssh/gateway.env' "$unit" || fail "the unit does not read the file"
mkdir "/run/creds" "/run/gateway"
while IFS=: read -r name path; do
	cp "$TMP/state/${path#/var/lib/snisplit/}" "/run/creds/$name"
done < <(sed -n 's/^LoadCredential=//p' "$unit")
chown 64748:64748 "/run/gateway"
chmod -R a+rX "/run/creds" # (they are the dynamic user's)
command=$(sed -n 's/^ExecStart=//p' "$unit" | sed "s|/usr/sbin/|$O/|; s|/var/lib/snisplit-sshd|/run/gateway|")
(
	set -a
	# shellcheck disable=SC1090 # made above
	. "$env"
	export CREDENTIALS_DIRECTORY=/run/creds
	eval "exec setpriv --reuid 64748 --regid 64748 --clear-groups $command" # (as DynamicUser: one without a name)
) 2>"$TMP/gateway.log" &
gateway=$!
wait_for 30 listening $SSH_PORT
ssh-keygen -q -t ed25519 -N '' -C test -f "$KEY"
cli ssh-key add "$KEY.pub" >/dev/null
know_host <"/run/gateway/ssh_host_ed25519_key.pub"
start_ssh a -R "app.test:443:$UP:9000" "$EDGE" tls
is_online() { cli endpoint get app.test; }
wait_for is_online
[[ "$(fetch app.test)" == *"hello from openssl"* ]] || fail "not served"
kill $gateway
wait $gateway || fail "snisplit-sshd ends with status $?"
stop_snisplitd

sed -i 's/^ssh: .*/ssh: none/' "$TMP/snisplitd.yml"
# shellcheck disable=SC2086 # words are wanted
start_again $bounded
[ ! -e "$env" ] || fail "with ssh: none the unit would run"
same "ssh of status" "$(cli --json status | jq .ssh)" null
stop_snisplitd
touch "$env"
sed -i "s/^ssh: .*/ssh: {listen: \"$EDGE:$SSH_PORT\"}/" "$TMP/snisplitd.yml"
start_again
[ ! -e "$env" ] || fail "both would run"
wait_for 30 listening $SSH_PORT
is_up() { cli --json status | jq -e '.ssh | .up and (has("why") | not)'; }
wait_for is_up
