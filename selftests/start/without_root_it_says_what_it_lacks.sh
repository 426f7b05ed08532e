# start/without_root_it_says_what_it_lacks.sh - Started by somebody who may not, with the defaults: exit status 4 where the kernel path is demanded, else the file that cannot be opened is named; where all files are his, it serves.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need jq setpriv
[ ! -e /etc/snisplit/snisplitd.yml ] || skip "this machine has a configuration of its own"
chmod 755 /run
cp "$SNISPLITD" /run/snisplitd
mount -t tmpfs tmpfs /var/lib
mount -t tmpfs tmpfs /var/log
mkdir -m 700 /var/lib/snisplit
mkdir -m 750 /var/log/snisplit
somebody="setpriv --reuid 65534 --regid 65534 --clear-groups"
run() # ARG...
{
	status=0
	# shellcheck disable=SC2086 # words are wanted
	timeout 20 $somebody /run/snisplitd "$@" 2>"$TMP/err" || status=$?
}
cat >/run/conf.yml <<-CONF
	listen: 127.0.0.1:8443
	datapath: userspace
	state_dir: /run/his
	control: {socket: /run/his/control.sock}
	http: none
	tunnel: none
	events: [{file: /run/his/events}]
CONF
run --datapath kernel
same "exit status for the kernel path: $(cat "$TMP/err")" $status 4
run --datapath userspace
same "exit status" $status 1
grep -q 'error: .*/var/log/snisplit/events.ndjson.*Permission denied' "$TMP/err" || fail "not named: $(cat "$TMP/err")"
install -d -o 65534 -g 65534 /run/his
mkfifo /run/ready
# shellcheck disable=SC2086 # words are wanted
$somebody /run/snisplitd -c /run/conf.yml --ready-fd 9 9>/run/ready 2>"$TMP/snisplitd.log" &
# shellcheck disable=SC2034 # for stop_snisplitd
DAEMON=$!
[ "$(timeout 20 head -c 1 /run/ready | wc -c)" = 1 ] || fail "not ready: $(cat "$TMP/snisplitd.log")"
stop_snisplitd
