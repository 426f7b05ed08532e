# terminate/keys_change_and_nothing_else.sh - A KeyUpdate of TLS 1.3, ours asked for or not, keeps the stream; renegotiation in TLS 1.2 is refused, and early data is neither offered nor taken.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need openssl socat
certificate
socat "TCP-LISTEN:9000,bind=$UP,fork,reuseaddr" EXEC:cat &
wait_for listening 9000
start_snisplitd <<-CONF
	endpoints:
	  - {url: "tls://app.test", upstream: "$UP:9000", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem}
CONF
client() { in_client timeout 20 openssl s_client -connect "$EDGE:443" -servername app.test "$@" 2>&1 || true; }
has() { [ "$(grep -c "^$1" "$TMP/said")" -ge 1 ]; }
# talk FILE-OF-ARGUMENTS...: a client that reads the fifo $TMP/in
talk()
{
	rm -f "$TMP/in" && mkfifo "$TMP/in"
	client "$@" <"$TMP/in" >"$TMP/said" &
	TALKER=$!
	exec 8>"$TMP/in"
	echo one >&8
	wait_for has one
}
for update in k K; do
	talk -tls1_3
	echo $update >&8
	wait_for has KEYUPDATE
	echo two >&8
	wait_for has two
	exec 8>&-
	wait $TALKER
done
talk -tls1_2
echo R >&8
wait_for has RENEGOTIATING
wait $TALKER
grep -q "no renegotiation" "$TMP/said" || fail "renegotiation: $(tail -n 5 "$TMP/said")"
exec 8>&-
talk -tls1_3 -sess_out "$TMP/session"
exec 8>&-
wait $TALKER
refuse grep "Max Early Data: [1-9]" "$TMP/said"
[ -s "$TMP/session" ] || fail "no session: $(tail -n 5 "$TMP/said")"
echo early >"$TMP/early"
client -tls1_3 -sess_in "$TMP/session" -early_data "$TMP/early" </dev/null >"$TMP/said"
grep -q "^Reused" "$TMP/said" || fail "not resumed: $(tail -n 5 "$TMP/said")"
grep -q "Early data was not sent" "$TMP/said" || fail "early data: $(grep -i early "$TMP/said")"
