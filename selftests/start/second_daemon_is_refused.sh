# start/second_daemon_is_refused.sh - A second daemon on the same pins, or on a port that is taken, is refused with a message that says who or what.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
start_snisplitd <<-CONF
	version: 1
CONF
sed -e 's/443/444/' -e "s|$TMP/control|$TMP/other|" -e "s|$TMP/state|$TMP/state2|" "$TMP/snisplitd.yml" >"$TMP/second.yml"
if [ "$DATAPATH" = kernel ]; then
	status=0
	timeout 10 "$SNISPLITD" -c "$TMP/second.yml" 2>"$TMP/err" || status=$?
	[ $status != 0 ] && [ $status != 124 ] || fail "the second started (status $status)"
	grep -qw "$DAEMON" "$TMP/err" || fail "it does not name pid $DAEMON: $(cat "$TMP/err")"
	[ -e "$PINS/sockets" ] || fail "it took the first one's pins"
fi
sed -e 's/444/443/' -e 's/^datapath:.*/datapath: userspace/' "$TMP/second.yml" >"$TMP/third.yml"
status=0
timeout 10 "$SNISPLITD" -c "$TMP/third.yml" 2>"$TMP/err" || status=$?
[ $status != 0 ] && [ $status != 124 ] || fail "it started on a port that is taken (status $status)"
grep -q ':443' "$TMP/err" || fail "it does not name the port: $(cat "$TMP/err")"
stop_snisplitd
