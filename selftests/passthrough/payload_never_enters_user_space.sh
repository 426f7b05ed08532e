# passthrough/payload_never_enters_user_space.sh - During a transfer of 100 MB the daemon's threads read and write none of it; the counters say the same.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel
# Timeout: 90
. "$LIB"
need jq strace
start_upstream stream 9000
start_snisplitd <<-CONF
	workers: 1
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
CONF
stream app.test --up 1k --down 1k # the next one finds a warm upstream
strace -f -q -o "$TMP/strace" -p "$DAEMON" \
	-e trace=read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,sendfile,splice,tee,io_uring_enter 2>/dev/null &
tracer=$!
wait_for grep -q "TracerPid:.$tracer" "/proc/$DAEMON/task/"*/status
stream app.test --polite --up 50m --down 50m --write-rate 50000 --server-write-rate 50000 --seed 2
event_is 2 datapath=kernel
kill -INT $tracer && wait $tracer || true
# What a call moved, where it moved more than an event line or a wake-up would.
moved=$(sed -n 's/.* = \([0-9]\+\)$/\1/p' "$TMP/strace" | awk '{s += $1} END {print s + 0}')
user=$(event_field 2 bytes_user)
[ "$user" -le 600 ] || fail "the event says user space saw $user bytes"
[ "$moved" -lt 100000 ] || { sort -t= -k2 "$TMP/strace" | tail -n 20; fail "system calls moved $moved bytes"; }
