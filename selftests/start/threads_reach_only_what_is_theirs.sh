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
# THREAD SYSCALL ARG...: 0 or the error
try() { python3 "$LIB_DIR/fixtures/in_thread.py" "$DAEMON" "$1" call "${@:2}"; }
denied() # THREAD SYSCALL ARG...
{
	local got
	got=$(try "$@") || fail "$*"
	case $got in EPERM|EACCES) ;; *) fail "$1 may: ${*:2}: $got" ;; esac
}
may()
{
	local got
	got=$(try "$@") || fail "$*"
	same "$*" "$got" 0
}
nothing_of_others() # THREAD: what no thread but main and ssh's may
{
	denied "$1" execve /bin/true 0 0
	denied "$1" ptrace 16 1
	denied "$1" kill 1 0
	denied "$1" socket 17 3 768		# AF_PACKET
	denied "$1" bpf 5 0 0			# BPF_PROG_LOAD
	denied "$1" unshare 268435456		# CLONE_NEWUSER
	denied "$1" mount none /tmp tmpfs 0 0
	denied "$1" setuid 0
	denied "$1" fork
	denied "$1" open "$TMP/secret" 1	# O_WRONLY
	denied "$1" open /etc/passwd 1
}
abi=$(cli --json status | jq -r .sandbox)
echo "$abi"
strangers=("worker 0" "worker 1" tunnel health)
for thread in "${strangers[@]}" resolver events certificates kernel MHD-listen; do
	nothing_of_others "$thread"
done
for thread in "${strangers[@]}" certificates kernel; do
	denied "$thread" mmap 0 4096 5 34 -1 0 # PROT_READ | PROT_EXEC
done
for thread in "${strangers[@]}"; do
	may "$thread" socket 2 1 0 # AF_INET, SOCK_STREAM
	[[ $abi == *Landlock* ]] || continue
	for file in /etc/passwd /etc/hosts "$TMP/secret" "$TMP/state/state.db" "/proc/$DAEMON/environ" "$TMP/snisplitd.yml"; do
		denied "$thread" open "$file" 0
	done
done
if [[ $abi == *Landlock* ]]; then
	for thread in resolver events; do
		may "$thread" open /etc/hosts 0
		denied "$thread" open "$TMP/secret" 0
	done
fi
[[ "$(fetch app.test)" == *"hello from openssl"* ]] || fail "it does not serve any more"
stop_snisplitd

# and without a sandbox they would: the test sees what it says it sees
sed -i '1i sandbox: off' "$TMP/snisplitd.yml"
start_again
may "worker 0" open "$TMP/secret" 0
may "worker 0" mmap 0 4096 5 34 -1 0
may "worker 0" kill "$DAEMON" 0
