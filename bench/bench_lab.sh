#!/usr/bin/env bash
# Boot of the lab's micro-VM to a guest's first line, with QEMU's to the same guest beside it.
set -eu
cd "$(dirname "$0")/.."
program=build/bench/lab_boot
[ -x "$program" ] || { echo "lab: not built here (x86-64 only)"; exit 0; }
if ! "$program" vm >/dev/null 2>&1; then
	echo "lab: skipped: $("$program" vm 2>&1)"
	exit 0
fi

quantiles() { # column of stdin: min, p50, max
	sort -n | awk '{ v[NR] = $1 } END { printf "%10.2f %10.2f %10.2f %5d", v[1], v[int((NR + 1) / 2)], v[NR], NR }'
}

samples=$(for _ in $(seq 100); do "$program" vm; done)
first=$(echo "$samples" | awk '{ print $1 }' | quantiles)
whole=$(echo "$samples" | awk '{ print $2 }' | quantiles)
printf '%-46s %10s %10s %10s %5s %10s\n' "lab: boot, ms" min p50 max runs limit
printf '%-46s %s %10s\n' "ours: main() to the guest's first sample" "$first" 20
printf '%-46s %s %10s\n' "ours: create, run and end the whole VM" "$whole" 40
if command -v qemu-system-x86_64 >/dev/null; then
	boots=$(for _ in 1 2 3 4 5; do "$program" qemu || true; done)
	[ -z "$boots" ] || {
		peer=$(echo "$boots" | quantiles)
		printf '%-46s %s %10s\n' "QEMU -accel kvm: start to the guest's line" "$peer" -
		printf 'ratio of the medians: %s\n' \
			"$(echo "$first $peer" | awk '{ printf "1 : %.0f", $6 / $2 }')"
	}
else
	echo "QEMU: skipped, not installed"
fi
