# upgrade/asked_too_late_is_told.sh - Who asks for an upgrade while the daemon has already been told to stop gets an answer, and the daemon ends (it waited for ever for the one it did not answer).
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
. "$LIB_DIR/upgrade/lib_upgrade.sh"
need python3
# shellcheck disable=SC2034 # lib.sh reads it
DATAPATH=userspace
start_snisplitd </dev/null
mv "$TMP/snisplitd.yml" "$TMP/good.yml"
mkfifo "$TMP/snisplitd.yml" # a reload that takes its time
kill -HUP "$DAEMON"
reads() { [[ $(cat "/proc/$DAEMON/wchan" 2>/dev/null) == *wait_for_partner* ]] || [[ $(awk '{print $1, $2}' "/proc/$DAEMON/syscall") == "257 "* ]]; }
wait_for reads
"$SNISPLITD" -c "$TMP/good.yml" --upgrade >"$TMP/answer" 2>&1 &
asker=$!
asked() { grep -c "upgrade: asked for" "$TMP/snisplitd.log" >/dev/null; }
wait_for asked
pending() { [ $((0x$(awk '/^ShdPnd|^SigPnd/ {print $2}' "/proc/$DAEMON/status" | sort | tail -n 1) & 0x800)) != 0 ]; }
wait_for pending # SIGUSR2
python3 -c "import ctypes; ctypes.CDLL(None).tgkill($DAEMON, $DAEMON, 2)" # to the thread, as SIGUSR2 was: the lower number first
cat "$TMP/good.yml" >"$TMP/snisplitd.yml"
wait_for is_gone "$DAEMON"
DAEMON=''
status=0
wait "$asker" || status=$?
same "exit status" "$status" 1
grep -c "being stopped" "$TMP/answer" >/dev/null || fail "it says $(cat "$TMP/answer")"
