#!/usr/bin/env bash
# check --vm: a running Linux guest audited from its host through the agent, with a recorded host.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
. "${KVT_SOURCE:?}/tests/partners/guest.sh"
ask=$KVT_SOURCE/tests/partners/ask.py
why=$(guest_missing)
[ -z "$why" ] || skip_all "$why"
trap 'guest_stop "$tmp/a"; rm -rf "$tmp"' EXIT

# a host whose clock source is hpet
mkdir -p "$tmp"/host/{kvmtime,proc,etc,dev,sys/module/kvm/parameters,sys/module/kvm_intel} \
	"$tmp"/host/sys/devices/system/clocksource/clocksource0
echo hpet >"$tmp/host/sys/devices/system/clocksource/clocksource0/current_clocksource"
echo hpet acpi_pm >"$tmp/host/sys/devices/system/clocksource/clocksource0/available_clocksource"
printf 'processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu tsc constant_tsc nonstop_tsc vmx\n\n' \
	>"$tmp/host/proc/cpuinfo"
printf 'release 6.1.0-40-amd64\nmachine x86_64\n' >"$tmp/host/kvmtime/uname"
printf '1 0 0 0 80000000 0\n' | sed 's/80000000/0/' >"$tmp/host/kvmtime/cpuid"
: >"$tmp/host/sys/module/kvm_intel/refcnt"

found() { # ids found in check's JSON, sorted
	/usr/bin/python3 -c '
import json, sys
text = sys.stdin.read()
document = json.loads(text)
print(" ".join(sorted({f["id"] for f in document["findings"]})))'
}
guest_qemu=(-name "audited-$$" -rtc "base=utc,clock=vm")
guest_append=(clocksource=hpet)
ok "a guest starts" guest_start "$tmp/a"
"$ask" agent "$tmp/a/qga" guest-set-time '{"time":1795000000000000000}' >/dev/null
json=$("$kvmtime" check --vm "audited-$$" --host "$tmp/host" --json)
is "check --vm says that there are findings" $? 1
ids=$(printf '%s' "$json" | found)
like "the host's fault is found" "$ids" 'KVT-0101'
like "the guest's slow clock source is found through the agent" "$ids" 'KVT-0409'
like "the guest's offset is found" "$ids" 'KVT-0601'
like "the guest's boot line is read" "$("$kvmtime" check --vm "audited-$$" --facts)" 'guest +cmdline.clocksource +hpet'
text=$("$kvmtime" check --vm "audited-$$" --host "$tmp/host")
like "the guest's fault follows from the host's in one chain" "$text" '(→|->) [a-z]+: The guest reads time from hpet under'
like "the definition's part is in the same chain" "$text" '(→|->) [a-z]+: The guest reads the HPET that its'
like "the definition's fault is found in the running machine" "$ids" 'KVT-0514'
like "and what follows from it in the guest" "$text" '(→|->) [a-z]+: The guest is behind, and the RTC'
like "the headline is the guest's" "$text" 'audited-[0-9]+: KVM guest.*'
facts=$("$kvmtime" check --vm "audited-$$" --exec --facts)
like "with --exec the kernel's log and the processes are read" "$facts" 'guest +ntp.daemon_count +0'
"$kvmtime" check --all --json --host "$tmp/host" >"$tmp/all"
like "check --all finds it too" "$(cat "$tmp/all")" '"KVT-0601"'
is "no folder is left behind" "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'kvmtime-audit-*' | wc -l)" 0
guest_stop "$tmp/a"

guest_append=("kvt.agent_args=-b,guest-file-open,-b,guest-exec")
ok "a guest whose agent gives no files starts" guest_start "$tmp/a"
"$ask" agent "$tmp/a/qga" guest-set-time '{"time":1795000000000000000}' >/dev/null
facts=$("$kvmtime" check --vm "audited-$$" --facts)
like "it is judged by what is left" "$facts" 'guest +kernel.release +[0-9]'
like "what the agent refuses is unknown" "$facts" 'guest +agent.files +none'
ids=$("$kvmtime" check --vm "audited-$$" --json --host "$tmp/host" | found)
like "its offset and the host are judged still" "$ids" 'KVT-0101.*KVT-0601.*KVT-0604'
"$kvmtime" check --vm "audited-$$" more >/dev/null 2>&1
is "a guest beside another target is exit status 2" $? 2
finish
