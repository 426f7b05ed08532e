# control/events_tell_people_what_failed.sh - `snisplit events` shows an upstream that died as that, not as a gap, and why a connection failed; what it cannot write is an error, and a dumb terminal gets no colours.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=userspace
. "$LIB"
need jq openssl curl python3
start_upstream openssl 9000
issue stranger '' 30 basicConstraints=critical,CA:TRUE
start_snisplitd <<-CONF
	endpoints:
	  - {url: "tls://dead.test", upstream: "$UP:9001", health_check: tcp, health_interval: 100ms, health_fall: 1}
	  - {url: "tls://app.test", upstream: "tls://$UP:9000", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem, upstream_tls_verify: true, upstream_tls_verify_cas: $TMP/stranger.pem}
CONF
shows() { cli events 2>"$TMP/err" >"$TMP/out" && grep -qE -- "$1" "$TMP/out"; }
wait_for shows "Z dead.test: upstream $UP:9001 is dead: .*refused"
refuse fetch app.test 2>"$TMP/curl.err"
wait_for shows 'app.test .* upstream_refused: upstream.s certificate refused: '
same "stderr" "$(cat "$TMP/err")" ''
status=0
cli events --json >/dev/full 2>"$TMP/err" || status=$?
same "a full disk" "$status: $(cat "$TMP/err")" '1: snisplit: stdout: No space left on device'
on_terminal() { TERM=$1 python3 -c 'import pty, sys; pty.spawn(sys.argv[1:])' "$O/snisplit" --socket "$TMP/control.sock" endpoint list; }
on_terminal xterm | grep -c $'\033' >"$TMP/n" || fail "no colours on a terminal"
same "colours on a dumb one" "$(on_terminal dumb | grep -c $'\033' || true)" 0
