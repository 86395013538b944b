#!/usr/bin/env bash
# Prints the medians of a results file of run.sh as a Markdown table: one row a
# figure, one column a peer, and relay's ratio to each.
set -euo pipefail
sort -t$'\t' -k3,4 -k1,2 -k6,6g "${1:?results file}" | awk -F'\t' '
function median(k,  n, a) { n = split(v[k], a, " "); return n == 0 ? "" : (n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2) }
function ratio(a, b) { return a == "" || b == "" || b + 0 == 0 ? "–" : sprintf("%.2f", a / b) }
function show(x) { return x == "" ? "–" : x }
$6 != "nan" {
	what = $3 ": " $4; gsub(/ +/, " ", what); sub(/ smtp-source/, "", what); sub(/ loadgen [^p]*(peer-cpu)?.*/, "", what)
	if ($4 ~ /peer-cpu$/ && what !~ /peer-cpu/) what = what " peer-cpu"
	sub(/ -d/, "", what)
	row = what " (" $7 ")"
	if (!(row in seen)) { seen[row] = 1; rows[++n] = row }
	k = row SUBSEP $1 "/" $2; v[k] = v[k] " " $6
}
END {
	print "| figure | Postfix | bare | bare, bbolt | relay | relay ÷ Postfix | relay ÷ bare, bbolt |"
	print "|---|---|---|---|---|---|---|"
	for (i = 1; i <= n; i++) {
		p = median(rows[i] SUBSEP "postfix/tuned"); b = median(rows[i] SUBSEP "null/default")
		g = median(rows[i] SUBSEP "null/bbolt-group"); r = median(rows[i] SUBSEP "relay/default")
		printf "| %s | %s | %s | %s | %s | %s | %s |\n", rows[i], show(p), show(b), show(g), show(r), ratio(r, p), ratio(r, g)
	}
}'
