#!/usr/bin/env bash
# libvirt is the judge: the QEMU arguments that we make of a clock section against those of the
# installed libvirt, and its refusals against ours. The daemon is one of our own.
set -u
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
. "${KVT_SOURCE:?}/tests/partners/libvirt.sh"

why=$(libvirt_missing)
[ -z "$why" ] || { echo "1..0 # SKIP $why"; exit 0; }
work=$(mktemp -d /tmp/kvtXXXXXX)
trap 'libvirt_stop "$work/lv"; rm -rf "$work"' EXIT
libvirt_start "$work/lv" || { echo "1..0 # SKIP libvirtd does not start here"; exit 0; }

seed=${KVT_SEED:-$((RANDOM * 32768 + RANDOM))}
# what this host's libvirt compares a TSC frequency with
hz=$(virsh -c "$libvirt_uri" capabilities | sed -n "s/.*<counter name='tsc' frequency='\([0-9]*\)'.*scaling='no'.*/\1/p" | head -n 1)
mkdir "$work/cases"
count=$(python3 "$KVT_SOURCE/tests/diff/libvirt_cases.py" generate "$work/cases" "$seed" "${hz:-2000000000}") || exit 1
echo "# seed $seed, $count cases, host TSC ${hz:-unknown or scaled} Hz"
begin=$(date +%s)
virsh -q -c "$libvirt_uri" <"$work/cases/commands" >"$work/theirs" 2>&1
middle=$(date +%s)
find "$work/cases" -name '*.xml' -print0 | sort -z |
	xargs -0 "$KVT_BUILD/kvmtime" vm convert --json --to qemu ${hz:+--host-tsc-hz "$hz"} >"$work/ours" 2>"$work/errors"
end=$(date +%s)
echo "# virsh took $((middle - begin)) s, kvmtime $((end - middle)) s"
sed 's/^/# /' "$work/errors" | head -n 5
echo 1..2
python3 "$KVT_SOURCE/tests/diff/libvirt_cases.py" compare "$work/cases" "$work/ours" "$work/theirs" $((end - begin + 5))
