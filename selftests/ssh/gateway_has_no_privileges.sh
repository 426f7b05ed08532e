# ssh/gateway_has_no_privileges.sh - The process that SSH clients talk to is not root, has no capability and no way to one, and a seccomp filter; it cannot read the edge's files, and takes no password, shell, -L or file transfer.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
. "$LIB_DIR/ssh/lib_ssh.sh"
need jq
start_gateway <<-CONF
	datapath: userspace
	workers: 1
CONF
pid=$(pgrep -P "$DAEMON" -f snisplit-sshd)
field() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$pid/status"; }
refuse grep -qw 0 <<<"$(field Uid) $(field Gid)"
same "groups" "$(field Groups | tr -d ' ')" ""
for set in CapInh CapPrm CapEff CapBnd CapAmb; do same "$set" "$(field $set)" 0000000000000000; done
same "no_new_privs" "$(field NoNewPrivs)" 1
same "seccomp" "$(field Seccomp)" 2
for file in state state/state.db state/ca state/ssh/token state/ssh/ssh_host_rsa_key; do
	refuse setpriv --reuid="$(stat -c %u "/proc/$pid")" --clear-groups cat "$TMP/$file" 2>/dev/null
done
same "modes" "$(stat -c %a "$TMP/state/ssh/token" "$TMP/state/ssh/ssh_host_rsa_key" "$TMP/state/ssh/ssh_host_ed25519_key" "$TMP/state/ssh" | tr '\n' ' ')" "600 600 600 700 "

same "methods" "$(our_ssh -o PreferredAuthentications=none -o LogLevel=INFO "$EDGE" tls 2>&1 | grep -o '(.*)')" "(publickey)"
refuse our_ssh -s "$EDGE" sftp 2>/dev/null
refuse our_ssh -o ExitOnForwardFailure=yes -W "$UP:9009" "$EDGE" 2>"$TMP/err"
