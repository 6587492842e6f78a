#!/usr/bin/env bash
# The finding of the QEMU experiment: driftfix=slew keeps time behind the IOAPIC, not behind the PIC.
# A busy machine can spoil a run: up to three are made, and each is printed.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"

"$kvmtime" lab --list >/dev/null 2>&1 || skip_all "this build has no lab (not x86-64)"
command -v qemu-system-x86_64 >/dev/null || skip_all "qemu-system-x86_64 is not installed"
[ -e /dev/kvm ] || skip_all "no /dev/kvm"

cat >"$tmp/judge.py" <<'PY'
import json, sys
result = json.load(open(sys.argv[1]))["experiments"][0]
if result["state"] != "measured":
    print(result["state"], result["reason"])
    sys.exit(2)
m = {x["name"]: x for x in result["measures"]}
pic, ioapic = m["slew_rtc_pic"], m["slew_rtc_ioapic"]
control = result["controls"][0]
print("# RTC lost behind the PIC %g, behind the IOAPIC %g of about 128; %s: %s" %
      (pic["value"], ioapic["value"], control["fault"], control["seen"]))
if "unknown" in (pic["verdict"], ioapic["verdict"]):
    print("# too busy to tell: the threads of QEMU waited for a CPU")
    sys.exit(3)
sys.exit(0 if pic["value"] > 64 and abs(ioapic["value"]) < 32 and control["detected"] else 1)
PY

for try in 1 2 3; do
	"$kvmtime" lab qemu --json --nice 0 >"$tmp/qemu.json" 2>"$tmp/why"
	code=$?
	[ $code -le 1 ] || skip_all "$(tail -n 1 "$tmp/why")"
	echo "# try $try"
	/usr/bin/python3 "$tmp/judge.py" "$tmp/qemu.json"
	status=$?
	[ $status = 1 ] || break # right; skipped; or as busy as it will be the next time
done
if [ $status -ge 2 ]; then
	skip "driftfix=slew loses the stop behind the PIC and nothing behind the IOAPIC" \
		"not measured, or too busy, see above"
else
	is "driftfix=slew loses the stop behind the PIC and nothing behind the IOAPIC" $status 0
	is "which is a finding" "$code" 1
	/usr/bin/python3 -c '
import json, sys
f = next((f for f in json.load(open(sys.argv[1]))["findings"] if f["id"] == "KVT-0532"), None)
print(f["severity"], *(e["name"] for e in f["evidence"])) if f else print("not found")' \
		"$tmp/qemu.json" >"$tmp/finding"
	like "with the id and the numbers that a rule gives it" "$(cat "$tmp/finding")" \
		'^medium .*lab.rtc.pic_ticks.*lab.rtc.ioapic_ticks'
fi

# a clock section by itself; what is tried is told, whatever this machine can measure now
cat >"$tmp/clock.xml" <<'XML'
<clock offset='utc'>
  <timer name='rtc' tickpolicy='catchup'/>
  <timer name='pit' tickpolicy='discard'/>
</clock>
XML
out=$("$kvmtime" lab qemu --domain "$tmp/clock.xml" --nice 0 --stop 100 2>&1)
is "a clock section of a domain is tried" "$([ $? -le 1 ] && echo yes)" yes
like "with what it says" "$out" 'driftfix=slew.*kvm-pit.lost_tick_policy=discard|kvm-pit.lost_tick_policy=discard.*driftfix=slew'

# the definition of a running domain, of which nothing is touched
. "$KVT_SOURCE/tests/partners/libvirt.sh"
why=$(libvirt_missing)
[ -e "$KVT_BUILD/modules/kvmtime-libvirt.so" ] || why="this build has no libvirt module"
[ -n "$why" ] || { trap 'libvirt_stop "$tmp/v"; rm -rf "$tmp"' EXIT; libvirt_start "$tmp/v" 2>/dev/null ||
	why="libvirtd did not start"; }
cat >"$tmp/running.xml" <<XML
<domain type='kvm'>
  <name>kvt-lab-$$</name><memory unit='MiB'>16</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <clock offset='utc'><timer name='rtc' tickpolicy='catchup'/><timer name='hpet' present='no'/></clock>
  <devices><memballoon model='none'/></devices>
</domain>
XML
if [ -z "$why" ]; then
	virsh -q -c "$libvirt_uri" create --paused "$tmp/running.xml" >"$tmp/why" 2>&1 || why=$(cat "$tmp/why")
fi
if [ -n "$why" ]; then
	skip "a running domain's definition is tried" "$why"
else
	before=$(virsh -c "$libvirt_uri" domstate "kvt-lab-$$" --reason)
	out=$("$kvmtime" lab qemu --vm "kvt-lab-$$" --connect "$libvirt_uri" --nice 0 --stop 100 2>&1)
	is "a running domain's definition is tried" "$([ $? -le 1 ] && echo yes)" yes
	like "with what it says" "$out" '^qemu .*driftfix=slew'
	is "the domain is as before" "$(virsh -c "$libvirt_uri" domstate "kvt-lab-$$" --reason)" "$before"
	"$kvmtime" lab qemu --vm no-such-domain --connect "$libvirt_uri" >"$tmp/out" 2>&1
	is "a name that no domain has is bad input" $? 4
	virsh -q -c "$libvirt_uri" destroy "kvt-lab-$$" >&2
fi
finish
