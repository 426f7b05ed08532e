# SPDX-License-Identifier: GPL-2.0-only
# Goals beside medians, for our subjects with as many workers as there are rows of; README.md says what each line means.

function has(s, t, m) { return (s, t, m) in med }

# The best peer's median with as many workers, or "" without one; <sign> -1: the least is the best.  Leaves <who>.
function best(t, m, w, sign,  i, s, value) {
	value = who = ""
	for (i = 1; i <= npeers; i++) {
		s = peers[i] w
		if (has(s, t, m) && (value == "" || sign * med[s, t, m] > sign * value)) { value = med[s, t, m]; who = peers[i] }
	}
	return value
}

# One line: <value> is to be at least <goal> (or at most, when <sign> is -1), "" when it could not be measured.
function line(what, sign, goal, value, detail) {
	verdict = value == "" ? "not measured" : sign * value >= sign * goal ? "met" : "missed"
	tally[verdict]++
	printf "  %-44s %s %-6s %10s  %-12s %s\n", what, (sign > 0 ? ">=" : "<="), goal, value == "" ? "-" : sprintf("%.2f", value), verdict, detail
}

# <m> of test <t>, ours to the best peer's; <lower> for times: the peer's to ours.
function to_best(what, t, m, goal, lower,  b) {
	b = best(t, m, w, lower ? -1 : 1)
	if (b == "" || !b || !has(us, t, m) || !med[us, t, m]) { line(what, 1, goal, "", ""); return }
	line(what, 1, goal, lower ? b / med[us, t, m] : med[us, t, m] / b, sprintf("%.2f, %s %.2f", med[us, t, m], who, b))
}

# Memory may seem to shrink where others use the machine: then there is nothing to say.
function to_direct(what, t, m, sign, goal) {
	if (!has(us, t, m) || !has("direct", t, m) || med["direct", t, m] <= 0 || med[us, t, m] <= 0) { line(what, sign, goal, "", ""); return }
	line(what, sign, goal, med[us, t, m] / med["direct", t, m], sprintf("%.2f, direct %.2f", med[us, t, m], med["direct", t, m]))
}

# What is added to direct's <m>, ours to that of the peer that adds least.
function added(what, t, m, goal,  b, d) {
	b = best(t, m, w, -1)
	if (b == "" || !has(us, t, m) || !has("direct", t, m)) { line(what, -1, goal, "", ""); return }
	d = med["direct", t, m]
	line(what, -1, goal, b > d ? (med[us, t, m] - d) / (b - d) : "", sprintf("%+.1f, %s %+.1f, direct %.1f", med[us, t, m] - d, who, b - d, d))
}

# CPU of the whole machine for a GB, the mean of the bulk tests, less that of direct: what <s> itself takes.
function cpu(s,  i, sum) {
	for (i = 1; i <= nbulk; i++) {
		if (!has(s, bulk[i], "cpu_ms_per_gb") || !has("direct", bulk[i], "cpu_ms_per_gb")) return ""
		sum += med[s, bulk[i], "cpu_ms_per_gb"] - med["direct", bulk[i], "cpu_ms_per_gb"]
	}
	return sum / nbulk / 1000
}

function cpu_goal(  i, c, b, mine) {
	b = who = ""
	for (i = 1; i <= npeers; i++) {
		c = cpu(peers[i] w)
		if (c != "" && (b == "" || c < b)) { b = c; who = peers[i] }
	}
	mine = cpu(us)
	if (b == "" || mine == "" || b <= 0) line("CPU s per GB beyond direct's, to best peer", -1, 0.5, "", b == "" || mine == "" ? "" : mine " " who " " b)
	else line("CPU s per GB beyond direct's, to best peer", -1, 0.5, mine / b, sprintf("%.3f, %s %.3f", mine, who, b))
}

function ratio(what, ta, ma, tb, mb, goal) {
	if (!has(us, ta, ma) || !has(us, tb, mb) || !med[us, tb, mb]) line(what, -1, goal, "", "")
	else line(what, -1, goal, med[us, ta, ma] / med[us, tb, mb], sprintf("%.2f and %.2f", med[us, ta, ma], med[us, tb, mb]))
}

function at_most(what, t, m, goal, detail) {
	if (!has(us, t, m)) line(what, -1, goal, "", "")
	else line(what, -1, goal, med[us, t, m], detail)
}

function peers_have(t, m,  i, text) {
	for (i = 1; i <= npeers; i++)
		if (has(peers[i], t, m)) text = text (text ? ", " : "") peers[i] " " sprintf("%.2f", med[peers[i], t, m])
	return text
}

function goals(  i, t) {
	printf "%s: goals\n", us
	for (i = 1; i <= nbulk; i++) to_best("bulk " bulk[i] ", to best peer", bulk[i], "gbps", 1.25, 0)
	for (i = 1; i <= nbulk; i++) to_direct("bulk " bulk[i] ", to direct", bulk[i], "gbps", 1, 0.7)
	added("echo 64 B p50 added, to best peer", "echo64", "p50_us", 0.6)
	added("echo 64 B p99 added, to best peer", "echo64", "p99_us", 0.6)
	added("echo 16 kB p50 added, to best peer", "echo16k", "p50_us", 0.6)
	added("echo 16 kB p99 added, to best peer", "echo16k", "p99_us", 0.6)
	to_best("short connections a second, to best peer", "short16", "conns_per_s", 1.2, 0)
	to_best("short connections p99, best peer's to ours", "short16", "p99_us", 1.2, 1)
	cpu_goal()
	if (w == "") {
		at_most("kB per idle connection (PSS)", "idle", "kb_each", 1, peers_have("idle", "kb_each"))
		to_direct("stalled upload, kernel memory to direct's", "stalled_up", "kernel_mb", -1, 2)
		to_direct("stalled download, kernel memory to direct's", "stalled_down", "kernel_mb", -1, 2)
		to_direct("stalled upload, bytes taken to direct's", "stalled_up", "taken_mb", -1, 2)
		to_direct("stalled download, bytes taken to direct's", "stalled_down", "taken_mb", -1, 2)
		ratio("p50 of active, 9,000 open to 100", "active9000", "p50_us", "active100", "p50_us", 1.1)
		ratio("p99 of active, 9,000 open to 100", "active9000", "p99_us", "active100", "p99_us", 1.1)
		ratio("new connection p50, 100,000 endpoints to 10", "endpoints100000", "p50_us", "endpoints10", "p50_us", 1.05)
		at_most("start-up with 100,000 endpoints, s", "endpoints100000", "start_s", 2, has(us, "endpoints100000", "start_cpu_s") ? sprintf("%.2f of CPU", med[us, "endpoints100000", "start_cpu_s"]) : "")
		at_most("kB of memory per endpoint (PSS)", "endpoints100000", "kb_each", 1, has(us, "endpoints100000", "map_kb_each") ? sprintf("and %.2f in maps", med[us, "endpoints100000", "map_kb_each"]) : "")
	}
	if (us ~ /:kernel/) {
		for (i = 1; i <= nbulk; i++) at_most("bytes in user space, " bulk[i], bulk[i], "user_bytes", 0, has(us, bulk[i], "kernel_share") ? sprintf("%.2f%% in the kernel", med[us, bulk[i], "kernel_share"]) : "")
		at_most("bytes in user space, echo 64 B", "echo64", "user_bytes", 0, "")
		at_most("bytes in user space, echo 16 kB", "echo16k", "user_bytes", 0, "")
	}
}

END {
	flush()
	npeers = split("haproxy nginx sniproxy", peers, " ")
	nbulk = split("up1 up8 up64 down1 down8 down64", bulk, " ")
	nours = split("snisplitd:kernel snisplitd:splice", ours, " ")
	for (workers = 1; workers <= 8; workers++) {
		w = workers == 1 ? "" : "@" workers
		for (o = 1; o <= nours; o++) {
			us = ours[o] w
			if (has(us, "up1", "gbps") && has("direct", "up1", "gbps")) goals()
		}
	}
	if (tally["met"] + tally["missed"] + tally["not measured"])
		printf "%d met, %d missed, %d not measured\n", tally["met"], tally["missed"], tally["not measured"]
	for (f in failures) printf "failed: %s, %d\n", f, failures[f]
	table()
}
