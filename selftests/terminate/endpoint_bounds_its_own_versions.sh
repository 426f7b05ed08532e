# terminate/endpoint_bounds_its_own_versions.sh - An endpoint's min_version bounds its own clients, with alert 70 below it and before any upstream, never below what tls.min_version says, and by change while it is online.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need openssl jq curl python3
certificate
echo "hello from plain" >"$TMP/page"
python3 -m http.server --bind "$UP" --directory "$TMP" 9000 2>/dev/null &
wait_for listening 9000
start_snisplitd <<-CONF
	endpoints:
	  - {url: "tls://app.test", upstream: "$UP:9000", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem, min_version: "1.3"}
	  - {url: "tls://nginx.test", upstream: "$UP:9000", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem, min_version: "1.2"}
CONF
n=0
served() # NAME 1.N: and the event says so
{
	n=$((n + 1))
	same "$1 over $2" "$(fetch "$1" "--tlsv$2" --tls-max "$2")" "hello from plain"
	event_is $n tls.version="$2" terminated_at=edge
}
refused() # NAME S_CLIENT-VERSION
{
	n=$((n + 1))
	in_client timeout 10 openssl s_client -connect "$EDGE:443" -servername "$1" "$2" -cipher ALL:@SECLEVEL=0 <<<x >"$TMP/said" 2>&1 || true
	grep -q "SSL alert number 70" "$TMP/said" || fail "$1 with $2 is told: $(cat "$TMP/said")"
	event_is $n close_reason=tls_handshake terminated_at=edge upstream_addr= conn.bytes_out=7
}
served app.test 1.3
refused app.test -tls1_2
refused app.test -tls1_1
served nginx.test 1.2
served nginx.test 1.3
refused nginx.test -tls1_1
cli endpoint add tls://curl.test --upstream "$UP:9000" --terminate-at edge --crt "$TMP/cert.pem" --key "$TMP/key.pem" --min-version 1.3 >/dev/null
refused curl.test -tls1_2
cli endpoint set curl.test --min-version 1.2 >/dev/null
grep -q "^New, TLSv1.2" <(in_client timeout 10 openssl s_client -connect "$EDGE:443" -servername curl.test -tls1_2 </dev/null 2>&1) || fail "changed, and still refused"
n=$((n + 1))

# the configuration's bound holds for those below it
sed -i '1i tls: {min_version: "1.3"}' "$TMP/snisplitd.yml"
stop_snisplitd
start_again
n=$(event_count)
refused nginx.test -tls1_2
served nginx.test 1.3
