# start/config_errors_name_their_line.sh - Every mistake in the configuration is told with FILE:LINE at once, and nothing starts.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
cat >"$TMP/bad.yml" <<-'CONF'
	version: 1
	listen: ["0.0.0.0:99999"]
	no_such_key: 1
	limits: {connections: many}
	timeouts: {client_hello: 3 parsecs}
	endpoints:
	  - {url: "tls://app.test", upstream: "nowhere"}
	  - {url: "tls://192.0.2.1", upstream: "127.0.0.1:1"}
CONF
for args in --check ""; do
	status=0
	# shellcheck disable=SC2086 # a word or none
	timeout 10 "$SNISPLITD" -c "$TMP/bad.yml" $args >"$TMP/out" 2>&1 || status=$?
	same "exit status" $status 1
	for line in 2 3 4 5 7 8; do
		grep -q "bad.yml:$line: " "$TMP/out" || fail "nothing about line $line: $(cat "$TMP/out")"
	done
done
: >"$TMP/empty.yml"
"$SNISPLITD" -c "$TMP/empty.yml" --check
status=0
"$SNISPLITD" -c "$TMP/none.yml" --check 2>"$TMP/out" || status=$?
same "exit status without a file" $status 1
grep -q none.yml "$TMP/out" || fail "the file is not named: $(cat "$TMP/out")"
status=0
"$SNISPLITD" --no-such-option 2>"$TMP/out" || status=$?
same "exit status for a wrong option" $status 1
