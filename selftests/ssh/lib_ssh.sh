# SPDX-License-Identifier: GPL-2.0-only
# lib_ssh.sh - an edge with the gateway for ssh -R, a key that it knows, and clients; sourced after
# lib.sh.
# shellcheck shell=bash
SSH_PORT=2222
TUNNEL=$EDGE:4443
# shellcheck disable=SC2034 # for tests
KEY=$TMP/id
[ -x "$O/snisplit-sshd" ] || skip "built without libssh"
need ssh ssh-keygen

# start_edge_of_gateway: an edge with a tunnel, and perhaps the gateway; $KEY may bind what the rules
# say (none: all)
start_edge_of_gateway() # [RULE...] <config
{
	local rules=() r
	for r; do rules+=(--acl "$r"); done
	{
		echo "tunnel: {listen: \"$TUNNEL\"}"
		cat
	} >"$TMP/gateway.yml"
	chmod 711 "$TMP"
	start_snisplitd <"$TMP/gateway.yml"
	ssh-keygen -q -t ed25519 -N '' -C test -f "$KEY"
	cli ssh-key add ${rules[@]+"${rules[@]}"} "$KEY.pub" >/dev/null
}

# the same with the gateway
start_gateway() # [RULE...] <config
{
	{ echo "ssh: {listen: \"$EDGE:$SSH_PORT\"}"; cat; } >"$TMP/with_ssh.yml"
	start_edge_of_gateway "$@" <"$TMP/with_ssh.yml"
	wait_for 30 listening $SSH_PORT # it makes its keys first
	cli --json ssh-key host | jq -r '.ssh_host_keys[].public_key' | know_host
}

know_host() { while read -r key; do echo "[$(unbracket "$EDGE")]:$SSH_PORT $key"; done >"$TMP/known_hosts"; } # <public keys

# OpenSSH as far as the options of -R: our_ssh -R ... [USER@]EDGE COMMAND...
# (the _exec form, for the background, keeps the pid)
our_ssh() { (our_ssh_exec "$@"); }
our_ssh_exec()
{
	exec ssh -F /dev/null -i "$KEY" -p $SSH_PORT -o IdentitiesOnly=yes -o BatchMode=yes \
		-o UserKnownHostsFile="$TMP/known_hosts" -o StrictHostKeyChecking=yes "$@"
}

# start_ssh NAME ARG...: in the background; says what it says into $TMP/ssh.NAME.log, its pid is $CLIENT
start_ssh()
{
	local name=$1
	shift
	our_ssh_exec "$@" >"$TMP/ssh.$name.log" 2>&1 </dev/null &
	# shellcheck disable=SC2034 # for tests
	CLIENT=$!
}

ssh_says() { grep -q -- "$2" "$TMP/ssh.$1.log"; } # NAME PATTERN

# refused_with CODE ARG...: ssh ends with status 1 and says the code on stderr
refused_with()
{
	local code=$1 status=0
	shift
	our_ssh -T "$@" >"$TMP/refused.out" 2>"$TMP/refused.err" </dev/null || status=$?
	same "exit status of ssh $*" "$status" 1
	grep -q "^ERR_SNISPLIT_$code: ." "$TMP/refused.err" || fail "ssh $*: want $code, got $(cat "$TMP/refused.err")"
}

# Online, and a channel is ready.
is_ready() { [ "$(cli --json endpoint get "$1" 2>/dev/null | jq .metrics.pool_idle)" -ge 1 ]; }

is_gone() { ! cli endpoint get "$1" >/dev/null 2>&1; }
