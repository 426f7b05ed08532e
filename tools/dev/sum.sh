# SPDX-License-Identifier: GPL-2.0-only
# sum.sh - runs steps and adds up their closing lines.  Sourced by tools/dev/test and .ci/run.
# shellcheck shell=bash
passed=0 failed=0 skipped=0
closing='^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$'

counted() # CMD...: a step that ends with a closing line; one without counts as a failure
{
	local log line status p f s
	log=$(mktemp)
	echo "== $*"
	"$@" </dev/null 2>&1 | tee "$log" | grep -vE "$closing"
	status=${PIPESTATUS[0]}
	line=$(grep -E "$closing" "$log" | tail -n 1)
	rm -f "$log"
	read -r p _ f _ s _ <<<"$line"
	passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
	echo "-- ${line:-no closing line}, status $status, ${SECONDS} s so far"
	if [ "$status" != 0 ] && [ "${f:-0}" = 0 ]; then
		echo "not ok - $* (status $status)"
		failed=$((failed + 1))
	fi
}

step() # NAME CMD...: a step that passes or fails as one
{
	local name=$1
	shift
	echo "== $name"
	if "$@" </dev/null; then
		passed=$((passed + 1))
		echo "ok - $name, ${SECONDS} s so far"
	else
		failed=$((failed + 1))
		echo "not ok - $name"
		return 1
	fi
}

must() { step "$@" || total; } # a step nothing can go on without

total()
{
	echo "$passed passed, $failed failed, $skipped skipped"
	[ $failed = 0 ]
	exit
}
