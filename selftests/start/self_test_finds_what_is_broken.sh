# start/self_test_finds_what_is_broken.sh - Programs that do wrong fail the self-test at start: datapath: kernel refuses with 4, auto goes on without them; good ones pass.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need jq
start_upstream python 9001
start_snisplitd <<-CONF
	datapath: kernel
CONF
[[ "$(cli --json status | jq -r .datapath_why)" == *"self-test passed in"*ms ]] || fail "status: $(cli status | head -n 3)"
grep -q 'self-test of the kernel path: passed' "$TMP/snisplitd.log" || fail "no line in the log"
stop_snisplitd
for way in --version --check; do
	[[ "$("$SNISPLITD" -c "$TMP/snisplitd.yml" $way)" == *"self-test passed in"* ]] || fail "$way does not tell"
done
[[ "$(cli check)" == *"self-test"*"passed in"* ]] || fail "snisplit check: $(cli check)"

# with a build that errs on demand; selftests/mutants makes one, and runs this too
mutant=${O%-mutant}-mutant/snisplitd
[ -x "$mutant" ] || exit 0
for name in redirect_empty helper_return; do
	status=0
	out=$(SNISPLIT_SELFTEST=mutant SNISPLIT_MUTANT=$name "$mutant" -c "$TMP/snisplitd.yml" 2>&1) || status=$?
	same "$name: exit status ($out)" "$status" 4
	[[ $out == *"fails its self-test"* ]] || fail "$name: $out"
done
sed -i 's/^datapath:.*/datapath: auto/; s/^endpoints:.*//' "$TMP/snisplitd.yml"
echo "endpoints: [{url: 'tls://python.test', upstream: '$UP:9001'}]" >>"$TMP/snisplitd.yml"
SNISPLITD=$mutant start_again env SNISPLIT_SELFTEST=mutant SNISPLIT_MUTANT=redirect_empty
same "datapath" "$(cli --json status | jq -r .datapath)" splice
[[ "$(cli --json status | jq -r .datapath_why)" == *"fails its self-test"* ]] || fail "status: $(cli status | head -n 3)"
same "the page" "$(fetch python.test)" "hello from python"
stop_snisplitd
