#!/usr/bin/env bash
# What one read of the time costs: the ordered TSC (the limit), our reader of the kernel's pvclock
# page, CLOCK_MONOTONIC through the C library and as a system call, under each clock source that
# may be switched to; then our median of CLOCK_MONOTONIC beside an independent loop's, interleaved;
# then our median of CLOCK_REALTIME beside stress-ng's vDSO stressor, which reads that clock. stress-ng
# gives a mean over wall time, its loop taken off; times the share of a CPU that it had (the same
# report says it, in ticks of 10 ms), that is the mean cost in CPU time.
# KVT_WITH_RUNNING_VMS=1 switches on a host whose VMs are running, too.
set -eu
cd "$(dirname "$0")/.."
build/bench/reads ${KVT_WITH_RUNNING_VMS:+--with-running-vms}

echo
printf '%-8s %14s %16s %9s %19s %9s\n' run "kvmtime, ns" "loop of 500, ns" ratio "loop of 10000, ns" ratio
for run in 1 2 3 4 5; do
	ours=$(build/kvmtime bench --csv | awk -F, '$2 == "MONOTONIC" { print $5 }')
	awk -v r=$run -v o="$ours" -v s="$(build/bench/loop 500)" -v l="$(build/bench/loop 10000)" \
		'BEGIN { printf "%-8s %14.2f %16.2f %9.3f %19.2f %9.3f\n", r, o, s, o / s, l, o / l }'
done

command -v stress-ng >/dev/null || exit 0
echo
printf '%-8s %14s %14s %9s\n' run "kvmtime, ns" "stress-ng, ns" ratio
for run in 1 2 3 4 5; do
	ours=$(build/kvmtime bench --csv | awk -F, '$2 == "REALTIME" { print $5 }')
	stress-ng --vdso 1 --vdso-func clock_gettime --metrics --timeout 5 2>&1 |
		awk -v r=$run -v o="$ours" '$4 == "vdso" && !/nanosecs/ { share = ($7 + $8) / $6 }
			/nanosecs per call/ { ns = $5 * share }
			END { if (ns > 0) printf "%-8s %14.2f %14.2f %9.3f\n", r, o, ns, o / ns }'
done
