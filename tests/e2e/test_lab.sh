#!/usr/bin/env bash
# kvmtime lab as a process: what it says, its JSON, its exit status with and without /dev/kvm.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"

"$kvmtime" lab --list >/dev/null 2>&1 || skip_all "this build has no lab (not x86-64)"

out=$("$kvmtime" lab --list)
for name in clock pause steal timers migrate ticks; do
	like "--list names $name" "$out" "^$name "
done
"$kvmtime" lab nonsense >"$tmp/out" 2>&1
is "an unknown experiment is a usage error" $? 2
"$kvmtime" lab ticks --case rtc_catchup,nonsense >"$tmp/out" 2>&1
is "an unknown pair of device and policy is a usage error" $? 2
like "--list names the pairs too" "$out" '^  rtc_catchup '
"$kvmtime" lab --hz 3 >"$tmp/out" 2>&1
is "a tick rate that no device has is a usage error" $? 2

# in a mount namespace of its own a machine can be without /dev/kvm
# shellcheck disable=SC2016
without() { # what stands in for /dev/kvm, then the command
	local device=$1
	shift
	unshare -m sh -c 'mount --bind "$0" /dev/kvm && exec "$@"' "$device" "$@"
}
if [ -e /dev/kvm ] && without /dev/null true 2>/dev/null; then
	out=$(without /dev/null "$kvmtime" lab 2>&1)
	is "a device that is not KVM ends with exit status 3" $? 3
	like "and says so in a line" "$out" "^kvmtime lab: /dev/kvm: not KVM's interface"
	# shellcheck disable=SC2016
	out=$(unshare -m sh -c 'mount -t tmpfs none /dev && exec "$0" lab' "$kvmtime" 2>&1)
	is "no /dev/kvm ends with exit status 3" $? 3
	like "and says what is missing" "$out" "^kvmtime lab: /dev/kvm: No such file.*no KVM here"
else
	skip "no /dev/kvm ends with exit status 3" "no private mounts here, or no /dev/kvm to hide"
fi
if [ "$(id -u)" = 0 ] && [ -e /dev/kvm ] && command -v setpriv >/dev/null &&
	! setpriv --reuid 65534 --clear-groups test -w /dev/kvm &&
	setpriv --reuid 65534 --clear-groups test -x "$kvmtime"; then
	out=$(setpriv --reuid 65534 --clear-groups "$kvmtime" lab 2>&1)
	is "without permission it ends with exit status 3" $? 3
	like "and says which group helps" "$out" "Permission denied.*group kvm"
else
	skip "without permission it ends with exit status 3" "not root, or everybody may use /dev/kvm"
fi

# a terminal that was opened for one alone answers as a device does that another monitor holds
cat >"$tmp/busy.py" <<'PY'
import fcntl, os, pty, subprocess, sys, termios
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCEXCL)
os.chmod(os.ttyname(slave), 0o666)
sys.exit(subprocess.run(
    ['unshare', '-m', 'sh', '-c', 'mount --bind "$0" /dev/kvm && exec setpriv --reuid 65534 '
     '--clear-groups --bounding-set=-all --inh-caps=-all "$@"', os.ttyname(slave)] + sys.argv[1:],
    stdin=subprocess.DEVNULL).returncode)
PY
if [ -e /dev/kvm ] && without /dev/null true 2>/dev/null && command -v setpriv >/dev/null &&
	setpriv --reuid 65534 --clear-groups test -x "$kvmtime"; then
	out=$(/usr/bin/python3 "$tmp/busy.py" "$kvmtime" lab 2>&1)
	is "a device that another monitor holds ends with exit status 3" $? 3
	like "and says so" "$out" "^kvmtime lab: /dev/kvm: .*busy \(another virtual machine monitor"
else
	skip "a device that another monitor holds ends with exit status 3" "no private mounts here"
fi

"$kvmtime" lab clock --domain /nonexistent >"$tmp/out" 2>&1
is "a definition for another experiment than qemu is a usage error" $? 2
"$kvmtime" lab qemu --domain a --vm b >"$tmp/out" 2>&1
is "two definitions are a usage error" $? 2
"$kvmtime" lab timers --plot "$tmp/x.txt" >"$tmp/out" 2>&1
is "a chart of no known kind is a usage error, before anything is measured" $? 2
"$kvmtime" lab clock --plot "$tmp/x.svg" >"$tmp/out" 2>&1
is "so is a chart of an experiment that has none" $? 2
if [ -e /dev/kvm ]; then
	"$kvmtime" lab qemu --domain "$tmp/missing.xml" >"$tmp/out" 2>&1
	is "a definition that is not there is refused" $? 3
	"$kvmtime" lab clock --baseline "$tmp/missing" >"$tmp/out" 2>&1
	is "so is a baseline, before anything is measured" $? 4
fi

if ! "$kvmtime" lab migrate >"$tmp/probe" 2>&1 && [ $? = 3 ]; then
	skip "the default set is measured" "$(cat "$tmp/probe")"
	finish
fi

# noise of the machine may turn a verdict, never the shape of the answer
start=$(date +%s)
"$kvmtime" lab --json >"$tmp/lab.json" 2>"$tmp/notice"
status=$?
seconds=$(($(date +%s) - start))
echo "# the default set took $seconds s (meant: under 15)"
like "it says first what it will use" "$(cat "$tmp/notice")" "CPUs for about .* s at nice 19"
is "the default set answers" "$([ $status -le 1 ] && echo yes || echo "no, $status")" yes
is "and ends in time, with tenfold slack" "$([ $seconds -lt 150 ] && echo yes)" yes
if /usr/bin/python3 -c 'import jsonschema' 2>/dev/null; then
	ok "its JSON is valid" /usr/bin/python3 "$KVT_SOURCE/tests/e2e/validate.py" kvmtime.lab.1 \
		<"$tmp/lab.json"
else
	skip "its JSON is valid" "python3-jsonschema is not installed"
fi
is "every experiment is measured or skipped with a reason" "$(/usr/bin/python3 -c '
import json, sys
for e in json.load(open(sys.argv[1]))["experiments"]:
    if e["state"] == "failed" or (e["state"] == "skipped" and not e["reason"]):
        print(e["name"], e["state"], e["reason"])
' "$tmp/lab.json")" ""

"$kvmtime" lab migrate --baseline "$tmp/notice" >"$tmp/out" 2>&1
is "a baseline that is no JSON is bad input" $? 4
out=$("$kvmtime" lab migrate --baseline "$tmp/lab.json" 2>/dev/null)
like "a run against its own baseline says how they compare" "$out" "than the baseline"

# the same run against an earlier one that was made better, and worse, than it can be
/usr/bin/python3 - "$tmp" <<'PY'
import json, sys
def baseline(name, lost):
    measure = {"name": "kvm_pit_discard_stop_lost", "value": lost, "bound": 0, "unit": "ticks",
               "verdict": "good"}
    json.dump({"schema": "kvmtime.lab/1", "experiments": [
        {"name": "ticks", "state": "measured", "measures": [measure]}]}, open(name, "w"))
baseline(sys.argv[1] + "/better.json", 1)
baseline(sys.argv[1] + "/worse.json", 12500)
PY
for try in 1 2 3; do
	better=$("$kvmtime" lab ticks --case kvm_pit_discard --nice 0 --baseline "$tmp/better.json" 2>/dev/null)
	status=$?
	worse=$("$kvmtime" lab ticks --case kvm_pit_discard --nice 0 --baseline "$tmp/worse.json" 2>/dev/null)
	other=$?
	printf '%s\n%s\n' "$better" "$worse" | grep -q 'could not be judged' || break
done
if printf '%s\n%s\n' "$better" "$worse" | grep -q 'could not be judged'; then
	skip "a run that is worse than its baseline ends with 1" "too busy: $(echo "$better" | grep ^ticks)"
	skip "one that is not ends with 0" "the same"
else
	is "a run that is worse than its baseline ends with 1" "$status" 1
	like "and says what was and what is" "$better" '^  ticks kvm_pit_discard_stop_lost: was 1 ticks, is 1[0-9][0-9]'
	is "one that is not ends with 0" "$other" 0
	like "and says so too" "$worse" '^Nothing is worse than the baseline'
fi

if command -v gnuplot >/dev/null; then
	"$kvmtime" lab timers --plot "$tmp/late.svg" >"$tmp/out" 2>&1
	is "a chart is drawn" "$([ $? -le 1 ] && [ -s "$tmp/late.svg" ] && echo yes)" yes
	like "it is SVG" "$(head -c 300 "$tmp/late.svg")" '<svg'
	for timer in pit lapic_periodic lapic_oneshot tsc_deadline split_deadline none_pit; do
		like "with a curve for $timer" "$(cat "$tmp/late.svg")" "$timer"
	done
else
	skip "a chart is drawn" "gnuplot is not installed"
fi

if [ -n "${KVT_LONG:-}" ]; then
	"$kvmtime" lab --long --json >"$tmp/long.json" 2>/dev/null
	is "the long run answers" "$([ $? -le 1 ] && echo yes)" yes
	is "with every pair of device and policy under every disturbance" "$(/usr/bin/python3 -c '
import json, sys
ticks = next(e for e in json.load(open(sys.argv[1]))["experiments"] if e["name"] == "ticks")
print(sum(m["name"].endswith("_lost") for m in ticks["measures"]))' "$tmp/long.json")" 33
else
	skip "the long run answers" "takes minutes: KVT_LONG=1"
fi

# what the host kernel did to the clocks of those guests, as another process saw it
"$kvmtime" watch --kvm --json --count 1 --interval 8 >"$tmp/watch.json" 2>"$tmp/why" &
watcher=$!
"$kvmtime" lab -v clock >"$tmp/clock" 2>/dev/null
wait "$watcher"
status=$?
if [ "$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)" != tsc ]; then
	skip "watch --kvm sees the master clock" "this host's clock source is not tsc: it has none"
elif [ $status = 3 ]; then
	skip "watch --kvm sees the master clock" "$(cat "$tmp/why")"
else
	like "watch --kvm sees the master clock" "$(cat "$tmp/watch.json")" '"event":"master-clock"'
	like "and the stable bit lost when a guest takes the old MSR" "$(cat "$tmp/watch.json")" \
		'"event":"stable-lost"'
	if /usr/bin/python3 -c 'import jsonschema' 2>/dev/null; then
		ok "each of its lines is valid" /usr/bin/python3 "$KVT_SOURCE/tests/e2e/validate.py" \
			kvmtime.watch-kvm.1 <"$tmp/watch.json"
	fi
	like "lab shows its own part of the kernel's events" "$(cat "$tmp/clock")" \
		'^kernel events: [1-9][0-9]* clock pages written'
fi
finish
