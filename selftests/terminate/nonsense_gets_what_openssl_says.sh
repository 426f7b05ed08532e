# terminate/nonsense_gets_what_openssl_says.sh - Handshakes as no client makes them get the alert, the silence or the end that bare OpenSSL answers them with, unless the hello does not say for whom it is: that is closed, or the default's to judge; and the next client is served.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel
# Timeout: 180
. "$LIB"
need openssl python3 curl jq
certificate
py=$LIB_DIR/helpers/tls_nonsense.py
mkdir "$TMP/www" && echo "hello from plain" >"$TMP/www/page"
python3 -m http.server --bind "$UP" --directory "$TMP/www" 9000 2>/dev/null &
python3 "$py" server 127.0.0.1 9443 "$TMP/cert.pem" "$TMP/key.pem" &
wait_for listening 9000
wait_for listening 9443

# compare LEAST [default]: at least so many answers are the same
compare()
{
	local same

	python3 "$py" compare "$(unbracket "$EDGE")" 443 127.0.0.1 9443 app.test "${@:2}" >"$TMP/said" ||
		fail "${2:-}: $(grep WRONG "$TMP/said" || tail -n 3 "$TMP/said")"
	same=$(sed -n 's/ of .* are the same$//p' "$TMP/said")
	[ "$same" -ge "$1" ] || fail "${2:-}: only $(tail -n 1 "$TMP/said")"
	same "the next client" "$(fetch app.test)" "hello from plain"
}

start_snisplitd <<-CONF
	timeouts: {client_hello: 40s, handshake: 40s}
	endpoints:
	  - {url: "tls://app.test", upstream: "$UP:9000", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem}
CONF
compare 90
jq -es 'any(.object.close_reason == "hello_malformed" and .object.endpoint_id)' "$EVENTS" >/dev/null || fail "whom a malformed hello meant is not in the events"
stop_snisplitd

echo "default_endpoint: tls://app.test" >>"$TMP/snisplitd.yml"
start_again
compare 120 default
