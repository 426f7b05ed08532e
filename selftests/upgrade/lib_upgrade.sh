# SPDX-License-Identifier: GPL-2.0-only
# lib_upgrade.sh - a daemon that is replaced while it runs; sourced after lib.sh.
# shellcheck shell=bash
is_gone() { ! readlink "/proc/$1/exe" >/dev/null; } # (a zombie has no program)

# The next daemon serves when this returns; DAEMON is its pid, OLD the one before.
upgrade()
{
	local out
	OLD=$DAEMON
	out=$("$SNISPLITD" -c "$TMP/snisplitd.yml" --upgrade 2>>"$TMP/upgrade.log") || return 1
	DAEMON=${out#pid } DAEMON=${DAEMON%% *}
	[ "$DAEMON" -gt 0 ] && [ "$DAEMON" != "$OLD" ]
}

# It is nobody's child by then.
stop_upgraded()
{
	kill -TERM "$DAEMON"
	wait_for 30 is_gone "$DAEMON"
	DAEMON=''
}
