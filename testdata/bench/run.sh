#!/usr/bin/env bash
# Measures relay beside Postfix (tuned, durable) and the bare go-smtp listener,
# each scenario in turn on the same machine, and prints medians and ratios.
#
#   testdata/bench/run.sh [BENCH]      BENCH: folder with peers.sh (default ../shared/bench)
#
# Environment: RUNS (5), M messages a run (5000), ONLY ("accept reused tls lone
# through signed distant memory large backlog", any of them), BACKLOG (1000000 for relay, a
# tenth of it for Postfix), WORK (temporary folder).
set -euo pipefail
cd "$(dirname "$0")/../.."
BENCH=${1:-../shared/bench}
[ -x "$BENCH/peers.sh" ] || { echo "no peers.sh in $BENCH: give the bench folder as argument" >&2; exit 64; }
BENCH=$(cd "$BENCH" && pwd)
export WORK=${WORK:-$(mktemp -d)} M=${M:-5000}
RUNS=${RUNS:-5} ONLY=${ONLY:-accept reused tls lone through signed distant memory large backlog} BACKLOG=${BACKLOG:-1000000}
mkdir -p "$WORK"
chmod 755 "$WORK"
cp -r "$BENCH" "$WORK/bench" # beside its peers stand those of this folder
cp testdata/bench/peers/*.sh "$WORK/bench/peers/"
BENCH=$WORK/bench
RELAY_BIN=${RELAY_BIN:-$WORK/relay}
export RELAY_BIN
CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o "$RELAY_BIN" .

# one PEER TUNING SCENARIO LABEL: a run of a peer; the label tells the loads apart.
one() {
	RUNS=1 RESULTS=$WORK/one.tsv "$BENCH/peers.sh" "$1" "$3" "$2" >/dev/null 2>>"$WORK/log" || echo "failed: $*" >&2
	[ -f "$WORK/one.tsv" ] || return 0
	awk -v l="$4" -F'\t' 'BEGIN{OFS=FS} {$3=l; sub(/-signed$/, "", $1); print}' "$WORK/one.tsv" >>"$WORK/results.tsv"
	rm -f "$WORK/one.tsv"
}

wants() { [[ " $ONLY " == *" $1 "* ]]; }

for run in $(seq "$RUNS"); do
	echo "run $run of $RUNS" >&2
	for load in accept reused lone; do
		wants $load || continue
		export SRC=smtp-source SRC_ARGS="" CONCS=50
		if [ $load = reused ]; then SRC_ARGS="-d"; fi
		if [ $load = lone ]; then CONCS=1; fi
		one postfix tuned accept $load
		one null default accept $load
		one null bbolt-group accept $load
		one relay default accept $load
	done
	if wants tls; then
		export SRC=loadgen CONCS=50
		PF_TLS=1 SRC_ARGS="-starttls -per-conn 1" one postfix tuned accept tls
		NULL_ARGS="-starttls -auth" SRC_ARGS="-starttls -per-conn 1 -user u -pass secret" one null bbolt-group accept tls
		RELAY_TLS=starttls SRC_ARGS="-starttls -per-conn 1 -user load -pass load-pass-word" one relay default accept tls
	fi
	export SRC=smtp-source SRC_ARGS="" CONCS=50
	for load in through:relay memory:memory large:large; do
		wants "${load%:*}" || continue
		one postfix tuned "${load#*:}" "${load%:*}"
		one relay default "${load#*:}" "${load%:*}"
	done
	if wants signed; then
		one postfix-signed tuned relay signed
		one relay-signed default relay signed
	fi
	for hops in 1 20; do # a next hop 50 ms away; "--" ends the flags of the sink before its -chunking
		wants distant || continue
		HOPS=$hops one postfix tuned distant distant
		HOPS=$hops one relay default distant distant
		HOPS=$hops SINK_ARGS=-- one relay default distant "distant, without CHUNKING"
	done
done
if wants backlog; then
	BACKLOG=$((BACKLOG / 10)) one postfix tuned backlog backlog
	BACKLOG=$BACKLOG one relay default backlog backlog
fi
testdata/bench/table.sh "$WORK/results.tsv"
echo "results: $WORK/results.tsv" >&2
