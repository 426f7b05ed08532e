# start/clean_stop_leaves_nothing_behind.sh - After a clean stop no pin, no program and no socket file is left.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need jq bpftool
start_upstream stream 9000
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
CONF
stream app.test --conns 50 --parallel 5 --up 10k --down 10k
if [ "$DATAPATH" = kernel ]; then
	for map in sockets flows endpoints wildcards pools groups counters events; do
		[ -e "$PINS/$map" ] || fail "$map is not pinned"
	done
	dump_map endpoints | grep -q num || fail "the dump of endpoints does not read by itself"
fi
mapfile -t progs < <(prog_ids)
[ "$DATAPATH" = userspace ] || [ ${#progs[@]} -ge 2 ] || fail "only ${#progs[@]} programs are pinned"
stop_snisplitd
[ ! -e "$PINS" ] || [ -z "$(ls -A "$PINS")" ] || fail "pins stay: $(ls "$PINS")"
[ ! -e "$TMP/control.sock" ] || fail "the control socket stays"
wait_for progs_are_gone "${progs[@]}"
