# start/file_that_comes_later_is_read.sh - A daemon that found no file at its default path reads the one that is there at a reload, and is told of its mistakes.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need jq
file=/etc/snisplit/snisplitd.yml
cp -a /etc /run/etc
rm -rf /run/etc/snisplit
mkdir /run/etc/snisplit
mount --bind /run/etc /etc
mount -t tmpfs tmpfs /var/lib
mount -t tmpfs tmpfs /var/log
mkfifo "$TMP/ready"
"$SNISPLITD" -v --datapath userspace --ready-fd 9 9>"$TMP/ready" 2>"$TMP/snisplitd.log" &
DAEMON=$!
[ "$(timeout 20 head -c 1 "$TMP/ready" | wc -c)" = 1 ] || fail "not ready"
grep -q "no $file; using the defaults" "$TMP/snisplitd.log" || fail "not said"
cli() { "$O/snisplit" "$@"; }
urls() { cli --json endpoint list | jq -r '.endpoints[].host' | xargs; }

cli reload
same "without a file" "$(urls)" ""
echo 'endpoints: [{url: later.test, upstream: "127.0.0.1:9000"}]' >$file
cli reload
same "after it came" "$(urls)" "later.test"
grep -q "reloaded $file" "$TMP/snisplitd.log" || fail "the log does not name it"
echo 'nope: 1' >>$file
cli reload 2>"$TMP/err" && fail "a bad file was taken"
grep -q "$file:2: unknown key 'nope'" "$TMP/err" || fail "$(cat "$TMP/err")"
echo 'endpoints: [{url: signal.test, upstream: "127.0.0.1:9000"}]' >$file
kill -HUP "$DAEMON"
is_signal() { [ "$(urls)" = signal.test ]; }
wait_for is_signal
# who loses the file does not lose its endpoints
rm $file
cli reload 2>"$TMP/err" && fail "a file that has gone was taken for an empty one"
grep -q "$file: cannot be read" "$TMP/err" || fail "$(cat "$TMP/err")"
same "after it went" "$(urls)" signal.test
# (libmicrohttpd complains of options in another order)
refuse grep -E 'debug: (control|http): .*MHD_OPTION' "$TMP/snisplitd.log"
refuse grep EXTERNAL_LOGGER "$TMP/snisplitd.log"
