# control/event_files_can_be_rotated.sh - A file that is renamed goes on after SIGUSR1, one that is copied and truncated goes on at once; neither loses an event.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=userspace
. "$LIB"
need jq
start_upstream stream 9000
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
	events: [{file: $EVENTS}, {file: $TMP/renamed}]
CONF
has_lines() { [ "$(cat "${@:2}" 2>/dev/null | wc -l)" -ge "$1" ]; }
for round in 1 2 3; do
	stream app.test --conns 50 --parallel 4 --up 1k --down 1k --seed "$((round * 100))"
	wait_for has_lines 50 "$EVENTS"
	wait_for has_lines 50 "$TMP/renamed"
	cat "$EVENTS" >>"$TMP/copied"
	: >"$EVENTS"
	mv "$TMP/renamed" "$TMP/renamed.$round"
	kill -USR1 "$DAEMON"
	wait_for test -e "$TMP/renamed"
done
for f in copied renamed.1 renamed.2 renamed.3; do
	jq -e .event_id "$TMP/$f" >/dev/null || fail "$f has a line that is no event"
done
same "copied" "$(jq -r .event_id "$TMP/copied" | sort -u | wc -l)" 150
same "renamed" "$(jq -r .event_id "$TMP"/renamed.? | sort -u | wc -l)" 150
same "no hole" "$(tr -d -c '\000' <"$TMP/copied" | wc -c)" 0
