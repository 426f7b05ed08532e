# control/socket_is_for_its_group.sh - The control socket has the mode and group of the configuration: others are told how to get in; without the group only the owner is.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=userspace
. "$LIB"
need setpriv stat
dir=$(mktemp -d /run/snisplit-test.XXXXXX) # $TMP is not for others
chmod 755 "$dir"
socket=$dir/control.sock
start_snisplitd <<-CONF
	control: {socket: $socket, group: daemon, mode: "0660"}
CONF
as() { setpriv --reuid nobody --regid "$1" --clear-groups -- "$O/snisplit" --socket "$socket" status; }
same "mode and group" "$(stat -c '%a %G' "$socket")" "660 daemon"
setpriv --reuid nobody --clear-groups --regid daemon -- test -x "$O/snisplit" || skip "nobody cannot reach $O"
as daemon >/dev/null || fail "the group may not use it"
status=0
as nogroup 2>"$TMP/err" || status=$?
same "exit status of others" $status 3
grep -q 'usermod -aG' "$TMP/err" || fail "$(cat "$TMP/err")"
stop_snisplitd
[ ! -e "$socket" ] || fail "the socket is still there"

start_snisplitd <<-CONF
	control: {socket: $socket, group: no-such-group}
CONF
same "without the group" "$(stat -c %a "$socket")" 600
grep -q "there is no group 'no-such-group'" "$TMP/snisplitd.log" || fail "no warning"
stop_snisplitd
rmdir "$dir"
