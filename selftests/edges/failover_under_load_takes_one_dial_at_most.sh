# edges/failover_under_load_takes_one_dial_at_most.sh - While hundreds of connections a second come for it, the first member of a failover backend is killed, then black-holed: nobody is lost whom it had not accepted, and the next member serves each within the dial's timeout.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath topology=veth
# Timeout: 240
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need python3 jq
M=selftests/fixtures/members.py
# (the slower, the more time there is for a slow machine to be told from a second dial)
case $LONG in 1) rate=500 n=10000 timeout=2 ;; *) rate=250 n=3200 timeout=4 ;; esac
ulimit -n 8192
(agent_behind_router) # where the first member lives: its way can be cut without the other's
FIRST=10.9.3.2:9001 SECOND=$UP:9002
first() # starts the first member
{
	nsenter --net=/run/netns/agent -- python3 $M serve 10.9.3.2 9001 first &
	FIRST_PID=$!
	wait_for is_there
}
is_there() { [ -n "$(in_ns agent ss -Htln "sport = :9001")" ]; }
in_upstream_exec python3 $M serve "$UP" 9002 second &
wait_for listening 9002 in_upstream
start_snisplitd <<-CONF
	timeouts: {connect: ${timeout}s}
CONF
first
order=$(cli backend create failover --backend "$(cli backend create static --address "$FIRST")" --backend "$(cli backend create static --address "$SECOND")")
cli edge create --hostport app.test:443 --backend "$order" >/dev/null

kill_first() { kill -9 "$FIRST_PID"; wait "$FIRST_PID" 2>/dev/null || true; }
way() # add|del: nothing gets to the first member, or from it, and nobody is told
{
	in_ns upstream ip rule "$1" iif p-upstream to 10.9.3.2 blackhole
	in_ns upstream ip rule "$1" iif r-agent blackhole
}
cut_way() { way add; }
mend_way() { way del; }
served() { has_events $((before + n * $1 / 100)); } # PERCENT
waits() { echo $(($(sum dial_timeout) + $(sum warm_silent))); }
sum() { cli --json status | jq "[.counters[] | select(.name == \"$1\") | .value] | add"; } # COUNTER

cat >"$TMP/judge.py" <<-'PY'
	# WHAT EVENTS TIMES BEGUN FAULT MENDED FIRST TIMEOUT TIMEOUTS: what became of whom; fails if it is not as it should be
	import datetime, json, sys
	what, events, times, begun, fault, mended, first, timeout, timeouts = sys.argv[1:]
	begun, fault, mended, timeout = map(float, (begun, fault, mended, timeout))
	def stamp(text):
	    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
	by_port = {} # of one that was used again, several
	for line in open(events):
	    o = json.loads(line)["object"]
	    by_port.setdefault(o["conn"]["client_port"], []).append((stamp(o["conn"]["start_ts"]), o))
	def event(c):
	    return next((o for start, o in by_port.get(c[0], []) if c[1] - 0.1 <= start <= c[1] + c[2] + 0.1), None)
	clients = []
	for line in open(times):
	    port, at, took, tag = line.split()
	    clients.append((int(port), float(at), float(took), tag))
	# who has a connection to the first member from before it was gone; of one that is killed, whose bytes
	# its kernel had taken
	def accepted(o):
	    return o and o.get("upstream_addr") == first and stamp(o["conn"]["start_ts"]) <= fault and \
	        (what != "killed" or o.get("tcp", {}).get("upstream", {}).get("bytes_acked", 0) > 0)
	lost = [c for c in clients if c[3] == "lost"]
	early = [c for c in clients if c[1] + c[2] < begun]
	# all whom the next one serves, and all who come when the first is gone
	moved = [c for c in clients if c[3] != "lost" and (c[3] == "second" or c[1] > fault) and c[1] < mended]
	took = sorted(c[2] for c in moved)
	usual = sorted(c[2] for c in early)[-1]
	waited = sum(t > timeout * 0.9 for t in took)
	print(f"{what}: {len(clients)} clients, {len(lost)} lost, {sum(bool(accepted(event(c))) for c in lost)} of them accepted by "
	    f"the first; before: longest {usual * 1000:.0f} ms; after: {len(took)} served, half in {took[len(took) // 2] * 1000:.1f} ms, "
	    f"{waited} waited for the dial, longest {took[-1] * 1000:.0f} ms")
	bad = []
	for c in lost:
	    if not accepted(event(c)):
	        bad.append(("lost, and not accepted", c, event(c)))
	# who waits for two is counted twice
	if int(timeouts) > waited:
	    bad.append(f"{timeouts} dials' times were waited for by {waited} clients")
	# (a machine that does other things is slow by itself, and those who have waited come to the next one all at
	# once, but a second dial's time is too long for any)
	bad += [("too late", c, event(c)) for c in moved if c[2] > 2 * timeout - 0.1]
	bad += [("not by the first", c) for c in early if c[3] != "first"]
	bad += [("no event", c) for c in clients if not event(c)]
	if what == "black-holed" and not waited:
	    bad.append("nobody waited: there was no hole")
	if sum(c[3] == "second" for c in moved) < len(moved) / 4:
	    bad.append("the next one served few")
	for b in bad[:5]:
	    print("BAD", b)
	sys.exit(bool(bad))
PY

fault() # NAME CMD CMD-THAT-MENDS
{
	local before load begun at mended timeouts
	before=$(event_count) timeouts=$(waits)
	in_client python3 $M load "$(unbracket "$EDGE")" 443 app.test $n $rate "$TMP/times" >"$TMP/out" 2>/dev/null &
	load=$!
	wait_for 60 served 25
	begun=$EPOCHREALTIME
	$2
	at=$EPOCHREALTIME
	wait_for 60 served 65
	mended=$EPOCHREALTIME
	$3
	wait "$load"
	wait_for 60 has_events $((before + n))
	sed -n "$((before + 1)),\$p" "$EVENTS" >"$TMP/these"
	same "$1: events" "$(wc -l <"$TMP/these")" "$n"
	python3 "$TMP/judge.py" "$1" "$TMP/these" "$TMP/times" "${begun/,/.}" "${at/,/.}" "${mended/,/.}" "$FIRST" $timeout $(($(waits) - timeouts)) || fail "$1: $(cat "$TMP/out")"
	echo "$1: moved_on=$(sum moved_on) start_replayed=$(sum start_replayed) dial_timeout=$(sum dial_timeout)"
	# the first has its turn again
	wait_for 30 eval '[ "$(in_client python3 $M load "$(unbracket "$EDGE")" 443 app.test 50 0 2>/dev/null)" = "{\"first\": 50}" ]'
	wait_for eval '[ "$(live_conns)" = 0 ]'
}
fault killed kill_first first
fault black-holed cut_way mend_way
