#!/usr/bin/env bash
# The lab on another KVM: that of an emulated AMD machine (QEMU's own emulation of SVM), whose date
# may be set. It shows that a change of a host's date does not reach a guest (document 004), and that
# the bare guest, the faults and the measurements hold on kvm_amd too.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
. "${KVT_SOURCE:?}/tests/partners/guest.sh"
date=$KVT_BUILD/tests/e2e/lab-date
faults=$KVT_BUILD/tests/diff/test_lab_faults
why=$(guest_missing)
[ -z "$why" ] || skip_all "$why"
[ -x "$date" ] || skip_all "this build has no lab (not x86-64)"
ldd "$kvmtime" | grep -q libasan && skip_all "an instrumented program does not go into the guest"

out=$("$date" 2>&1)
is "the program that sets the date refuses on a machine that is not emulated" $? 2
like "and says why" "$out" "only inside an emulated machine"

modules=() data=()
for name in irqbypass kvm kvm-amd; do
	file=$(find "$KVT_PARTNERS/lib/modules" -name "$name.ko" | head -n 1)
	[ -z "$file" ] || modules+=("$file:kvm.d/$name.ko")
done
for file in "$KVT_SOURCE"/data/rules/*.rules "$KVT_SOURCE"/data/messages/*; do
	data+=("$file:${file#"$KVT_SOURCE"/}")
done
[ ${#modules[@]} -ge 2 ] || skip_all "the guest's kernel brings no kvm-amd.ko"

guest_append=(kvt.emulated=1)
guest_qemu=(-cpu "max,+svm,+npt" -m 512)
# shellcheck disable=SC2016
guest_run 300 '
i=0
while grep -q early /sys/devices/system/clocksource/clocksource0/current_clocksource && [ $i -lt 100 ]; do
	sleep 0.2
	i=$((i + 1))
done
for name in irqbypass kvm kvm-amd; do
	[ ! -e /kvm.d/$name.ko ] || insmod /kvm.d/$name.ko
done
[ -e /dev/kvm ] || { echo "no nested KVM"; exit 77; }
echo "source $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
echo "== date"
lab-date
echo "== faults"
test_lab_faults
echo "== lab"
KVT_DATA=/data kvmtime lab --nice 0 --json clock pause 2>/dev/null
echo
echo "== end"
' "$kvmtime" "$date" "$faults" "${modules[@]}" "${data[@]}" >"$tmp/out" 2>"$tmp/err"
status=$?
if [ $status = 250 ] || [ $status = 77 ]; then
	tail -n 5 "$tmp/err" "$tmp/out" | sed 's/^/# /'
	skip_all "the emulated machine has no KVM here, or did not come to its end"
fi
part() { # NAME: what was printed below "== NAME"
	sed -n "/^== $1\$/,/^== /p" "$tmp/out" | sed '/^== /d'
}
sed -n 's/^source/# the emulated host is on/p' "$tmp/out"
part date | sed 's/^/# /'

value() { # NAME in the date part
	part date | sed -n "s/^$1 //p"
}
within() { # VALUE FROM TO
	awk -v v="$1" -v a="$2" -v b="$3" 'BEGIN { exit !(v != "" && v >= a && v <= b) }'
}
ok "before, the guest has its host's date" within "$(value before)" -5 5
ok "kvm-clock does not move when the host's date is set an hour ahead" \
	within "$(value moved)" -1000000 1000000
is "the wall clock record is not rewritten" "$(value rewritten)" 0
ok "so the guest's date is an hour behind its host's" within "$(value after)" -3605 -3595
ok "until the guest asks for a new record" within "$(value asked)" -5 5

part faults | grep -E '^(not )?ok|^# vCPU' | sed 's/^/# /'
is "faults of a guest are told on this KVM too" "$(part faults | grep -c '^not ok')" 0
like "each of them was tried" "$(part faults)" '^ok 13 '

part lab >"$tmp/lab.json"
measure() { # EXPERIMENT MEASURE FIELD
	/usr/bin/python3 -c '
import json, sys
lab = json.load(open(sys.argv[1]))
print("%g" % next(m[sys.argv[4]] for e in lab["experiments"] if e["name"] == sys.argv[2]
           for m in e["measures"] if m["name"] == sys.argv[3]))' "$tmp/lab.json" "$@"
}
is "the lab knows the backend" "$(sed -n 's/.*"backend" : "\(.*\)".*/\1/p' "$tmp/lab.json")" kvm_amd
is "page and KVM_GET_CLOCK agree in 1000 of 1000 samples" "$(measure clock get_clock_agree value)" 1000
is "the paused flag is seen" "$(measure pause flag_told value)" 1
is "every fault made on purpose is noticed" \
	"$(grep -c '"detected" : true' "$tmp/lab.json") $(grep -c '"detected" : false' "$tmp/lab.json")" "3 0"
finish
