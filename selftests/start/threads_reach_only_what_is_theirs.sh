# start/threads_reach_only_what_is_theirs.sh - What an intruder in a thread would try, each thread is made to try: those that read strangers' bytes get no file of the system's or ours, no program, no other kind of socket, no code, no BPF program; and nobody gets more than guard.h says.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
need python3 jq
[ "$(uname -m)" = x86_64 ] || skip "fixtures/in_thread.py is for x86_64"
start_upstream openssl 9000
echo secret >"$TMP/secret"
start_snisplitd <<-CONF
	workers: 2
	events: [{file: "$TMP/told/events"}] # (its directory is theirs to write)
	http: 127.0.0.1:4041
	tunnel: {listen: "127.0.0.1:4443"}
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
CONF
# makes THREAD <the calls, a line each: whether it may, "may" or "denied", and SYSCALL ARG...
tries()
{
	local thread=$1 may call got
	cat >"$TMP/calls"
	cut -d ' ' -f 2- "$TMP/calls" | python3 "$LIB_DIR/fixtures/in_thread.py" "$DAEMON" "$thread" call >"$TMP/results" || fail "$thread"
	same "results for $thread" "$(wc -l <"$TMP/results")" "$(wc -l <"$TMP/calls")"
	while read -r got may call; do
		case $may$got in may0|deniedEPERM|deniedEACCES) ;; *) fail "$thread: $call: $got, wanted: $may" ;; esac
	done < <(paste -d ' ' "$TMP/results" "$TMP/calls")
}
# What no thread but main and ssh's may: programs, others' processes, AF_PACKET, BPF_PROG_LOAD, CLONE_NEWUSER,
# files to write.
nothing_of_others()
{
	cat <<-CALLS
		denied execve /bin/true 0 0
		denied ptrace 16 1
		denied kill 1 0
		denied socket 17 3 768
		denied bpf 5 0 0
		denied unshare 268435456
		denied mount none /tmp tmpfs 0 0
		denied setuid 0
		denied fork
		denied open $TMP/secret 1
		denied open /etc/passwd 1
	CALLS
}
no_code() { echo "denied mmap 0 4096 5 34 -1 0"; } # PROT_READ | PROT_EXEC
no_file() # FILE...
{
	[[ $abi == *Landlock* ]] || return 0
	printf 'denied open %s 0\n' "$@"
}
abi=$(cli --json status | jq -r .sandbox)
echo "$abi"
strangers=("worker 0" "worker 1" tunnel health)
for thread in "${strangers[@]}"; do
	tries "$thread" < <(
		nothing_of_others
		no_code
		echo "may socket 2 1 0" # AF_INET, SOCK_STREAM
		no_file /etc/passwd /etc/hosts "$TMP/secret" "$TMP/state/state.db" "/proc/$DAEMON/environ" "$TMP/snisplitd.yml"
	)
done
for thread in resolver events; do
	tries "$thread" < <(
		nothing_of_others
		echo "may open /etc/hosts 0"
		no_file "$TMP/secret"
	)
done
tries MHD-listen < <(nothing_of_others)
for thread in certificates kernel; do
	tries "$thread" < <(nothing_of_others; no_code)
done
[[ "$(fetch app.test)" == *"hello from openssl"* ]] || fail "it does not serve any more"
stop_snisplitd

# and without a sandbox they would: the test sees what it says it sees
sed -i '1i sandbox: off' "$TMP/snisplitd.yml"
start_again
tries "worker 0" <<-CALLS
	may open $TMP/secret 0
	may mmap 0 4096 5 34 -1 0
	may kill $DAEMON 0
CALLS
