# SPDX-License-Identifier: GPL-2.0-only
# Rows sorted by test, metric, subject and value -> med[subject, test, metric], and a table of them; see summary.

function flush(  n, m, key) {
	if (!count) return
	n = count
	m = n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
	key = test " " metric
	if (!(key in seen)) { seen[key] = 1; keys[++nkeys] = key }
	med[subject, test, metric] = m
	if (subject == "direct") direct[key] = m
	rows[key] = rows[key] subject " " v[1] " " m " " v[n] " " n "\n"
	count = 0
}

function table(  k, key, n, i, line, f) {
	for (k = 1; k <= nkeys; k++) {
		key = keys[k]
		printf "%s\n  %-20s %12s %12s %12s %4s %s\n", key, "", "min", "median", "max", "n", "/direct"
		n = split(rows[key], line, "\n")
		for (i = 1; i < n; i++) {
			split(line[i], f, " ")
			printf "  %-20s %12.2f %12.2f %12.2f %4d %s\n", f[1], f[2], f[3], f[4], f[5],
				direct[key] ? sprintf("%.2f", f[3] / direct[key]) : ""
		}
	}
}

$1 == "round" || $4 == "cpu_ticks" { next }
$4 == "failed" && $5 > 0 { failures[$2 " " $3] += $5 }
{
	if ($2 != subject || $3 != test || $4 != metric) { flush(); subject = $2; test = $3; metric = $4 }
	v[++count] = $5
}
