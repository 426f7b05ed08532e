# passthrough/silent_clients_keep_nobody_out.sh - While 15,000 connections send nothing, or a byte a second, new ones are served, and the daemon holds no more of them than limits.unrouted says.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
need python3 curl jq
ulimit -n 20000 2>/dev/null || true
[ "$(ulimit -Hn)" -ge 16000 ] || skip "needs 16000 descriptors"
start_upstream nginx 9000
start_snisplitd <<-CONF
	limits: {unrouted: 2000}
	timeouts: {client_hello: 30s}
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
CONF
for _ in 1 2 3 4 5; do fetch app.test >"$TMP/page"; done
before=$(daemon_rss_kb)
mkfifo "$TMP/said"
python3 selftests/fixtures/slowloris.py "$(unbracket "$EDGE")" 443 15000 >"$TMP/said" &
flood=$!
timeout 60 head -n 1 <"$TMP/said" | grep -q ready || fail "the flood did not come"
for i in $(seq 20); do
	same "page $i" "$(fetch app.test)" 'hello from nginx'
done
held=$(live_conns)
[ "$held" -le 2050 ] || fail "$held connections are held, limits.unrouted is 2000"
grown=$(($(daemon_rss_kb) - before))
# (a sanitizer keeps what is freed)
[ $grown -le 40000 ] || grep -q __asan_init "$SNISPLITD" || fail "$grown KiB more for 2000 connections without a hello"
kill $flood
evicted=$(cli --json status | jq '[.counters[] | select(.name == "unrouted_evicted") | .value] | add')
[ "$evicted" -ge 12000 ] || fail "only $evicted made room"
same "page after it" "$(fetch app.test)" 'hello from nginx'
