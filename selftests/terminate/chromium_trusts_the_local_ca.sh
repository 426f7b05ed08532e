# terminate/chromium_trusts_the_local_ca.sh - A browser that was given the root of `snisplit ca show` loads a page from an endpoint without a certificate of its own; one that was not refuses.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel
# Timeout: 120
. "$LIB"
need chromium certutil python3 jq
mkdir "$TMP/www" "$TMP/home"
echo '<!doctype html><title>x</title><p id=said>loaded over the local CA</p>' >"$TMP/www/index.html"
python3 -m http.server --bind "$UP" --directory "$TMP/www" 9000 2>/dev/null &
wait_for listening 9000
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000", terminate_at: edge}]
CONF
browse() # the page's document, as the browser has it at the end
{
	HOME=$TMP/home timeout 60 chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage \
		--user-data-dir="$TMP/home/profile.$RANDOM" --host-resolver-rules="MAP app.test $EDGE" \
		--dump-dom https://app.test/ 2>>"$TMP/chromium.err"
}
refuse grep -q "loaded over" <<<"$(browse)"
cli ca show >"$TMP/root.pem" 2>"$TMP/how"
grep -qi fingerprint "$TMP/how" || fail "ca show does not say the fingerprint: $(cat "$TMP/how")"
mkdir -p "$TMP/home/.pki/nssdb"
certutil -d "sql:$TMP/home/.pki/nssdb" -N --empty-password
certutil -d "sql:$TMP/home/.pki/nssdb" -A -t C,, -n snisplit -i "$TMP/root.pem"
got=$(browse)
grep -q "loaded over the local CA" <<<"$got" || fail "the browser shows: $got"
session_event() { jq -e 'select(.object.tls.version == "1.3" and .object.close_reason != "tls_handshake")' "$EVENTS"; }
wait_for session_event
