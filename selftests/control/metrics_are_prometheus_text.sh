# control/metrics_are_prometheus_text.sh - /metrics counts what happened in Prometheus' text format, /healthz and /readyz answer, nothing else is served; a port in use is told.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need jq curl python3 bc promtool
start_upstream stream 9000
certificate
start_snisplitd <<-CONF
	http: 127.0.0.1:4041
	endpoints: [{url: "tls://*.app.test", upstream: "$UP:9000"}, {url: "tls://python.test", upstream: "$UP:9001", crt: $TMP/cert.pem, key: $TMP/key.pem}, {url: "tls://pool.test", upstream: "$UP:9000", pooling_enabled: true}, {url: "tls://pool.test", upstream: "$UP:9000", pooling_enabled: true}]
CONF
stream www.app.test --conns 20 --up 10k --down 20k
wait_for has_events 20
stream pool.test --conns 4 --up 1k --down 1k --seed 100 # by both that share the name
wait_for has_events 24
refuse fetch python.test 2>/dev/null # the handshake is done, there is no upstream
wait_for has_events 25
get() { curl -sS --max-time 5 "http://127.0.0.1:4041$1" "${@:2}"; }
get /metrics >"$TMP/metrics"
# every line is a comment or NAME{LABELS} VALUE, every sample follows its TYPE, no sample twice
python3 - "$TMP/metrics" <<-'PY'
	import re, sys
	typed, seen = {}, set()
	for line in open(sys.argv[1]):
	    line = line.rstrip("\n")
	    m = re.fullmatch(r"# (HELP|TYPE) ([a-z_]+) (.+)", line)
	    if m:
	        if m[1] == "TYPE":
	            assert m[2] not in typed and m[3] in ("counter", "gauge", "histogram"), line
	            typed[m[2]] = m[3]
	        continue
	    m = re.fullmatch(r'([a-z_]+)(\{[a-z_]+="(?:[^"\\\n]|\\.)*"(,[a-z_]+="(?:[^"\\\n]|\\.)*")*\})? ([0-9.]+)', line)
	    assert m, line
	    name = re.sub("_(bucket|sum|count)$", "", m[1])
	    assert m[1] in typed or typed.get(name) == "histogram", line
	    assert (m[1], m[2]) not in seen, "twice: " + line
	    assert typed.get(m[1]) != "counter" or m[1].endswith("_total"), line
	    seen.add((m[1], m[2]))
	for name in ("connections_total connections_active bytes_total hello_total tls_handshakes_total events_lost_total "
	             "tls_handshake_seconds upstream_connect_seconds build_info pool_idle tunnel_sessions").split():
	    assert "snisplit_" + name in typed, name
PY
sample() { grep -F "$1" "$TMP/metrics" | awk '{print $NF}'; }
same "connections" "$(sample 'snisplit_connections_total{endpoint="*.app.test",result="ok"}')" 20
same "connections of a shared name" "$(sample 'snisplit_connections_total{endpoint="pool.test",result="ok"}')" 4
same "bytes out" "$(sample 'direction="out"' | paste -sd+ - | bc)" \
	"$(jq -s 'map(.object.conn.bytes_out) | add' "$EVENTS")"
[ "$DATAPATH" != kernel ] || grep -q '^snisplit_verdict_total{reason="' "$TMP/metrics" || fail "no verdict"
promtool check metrics <"$TMP/metrics" || fail "promtool"
[ "$(sample snisplit_tls_handshake_seconds_count)" = 1 ] || fail "handshakes: $(sample snisplit_tls_handshake_seconds)"
same "buckets end at the count" "$(sample 'snisplit_upstream_connect_seconds_bucket{le="+Inf"}')" "$(sample snisplit_upstream_connect_seconds_count)"
# what the dashboard and the alert rules ask for is there
promtool check rules tools/prometheus/alerts.yml >/dev/null || fail "alert rules"
promtool test rules tools/prometheus/alerts_test.yml >/dev/null || fail "alert rules, tested"
jq -r '.. | .expr? // empty' tools/prometheus/dashboard.json >"$TMP/exprs"
[ "$(wc -l <"$TMP/exprs")" -ge 10 ] || fail "few expressions in the dashboard"
jq -Rn '{groups: [{name: "d", rules: [inputs | gsub("\\$[a-z_]+"; ".*") | {record: "x", expr: .}]}]}' "$TMP/exprs" >"$TMP/exprs.yml"
promtool check rules --lint=none "$TMP/exprs.yml" >/dev/null || fail "an expression of the dashboard"
for name in $(grep -ohE 'snisplit_[a-z_]+' tools/prometheus/alerts.yml "$TMP/exprs" | sed -E 's/_bucket$//' | sort -u); do
	[ "$DATAPATH $name" != "userspace snisplit_verdict_total" ] || continue
	grep -q "^# TYPE $name " "$TMP/metrics" || fail "no $name in /metrics"
done
same healthz "$(get /healthz)" ok
same readyz "$(get /readyz -w ' %{http_code}' | xargs)" "ready 200"
same "status page" "$(get / | head -n 1)" '<!DOCTYPE html>'
same "other path" "$(get /endpoints -o /dev/null -w '%{http_code}')" 404
same "other method" "$(get /metrics -d x -o /dev/null -w '%{http_code}')" 405

sed "s|^state_dir:.*|state_dir: $TMP/state2|; s|control.sock|control2.sock|; s|:443|:4443|; s|^datapath:.*|datapath: userspace|" \
	"$TMP/snisplitd.yml" >"$TMP/second.yml"
status=0
timeout 10 "$SNISPLITD" -c "$TMP/second.yml" 2>"$TMP/err" || status=$?
same "exit with the port in use" $status 1
grep -q 'http: cannot listen on 127.0.0.1:4041: Address already in use' "$TMP/err" || fail "$(cat "$TMP/err")"
[ ! -e "$TMP/control2.sock" ] || fail "it left its socket behind"
