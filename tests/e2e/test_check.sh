#!/usr/bin/env bash
# kvmtime check and record on the live machine, on records, logs and bad input.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
machines=$KVT_SOURCE/data/machines

valid() { /usr/bin/python3 "$KVT_SOURCE/tests/e2e/validate.py" kvmtime.check.1; }
status_of() { "$@" >"$tmp/out" 2>"$tmp/err"; echo $?; }
# ids of the findings; without those that rest on a measurement, which comes out anew each time, and without
# those that are named
found() { /usr/bin/python3 -c '
import json, sys
print(" ".join(sorted(f["id"] for f in json.load(sys.stdin)["findings"]
    if f["id"] not in ["KVT-0315", "KVT-0316"] + sys.argv[1:])))' "$@"; }

if ! echo '{}' | /usr/bin/python3 -c 'import jsonschema' 2>/dev/null; then
	skip "documents match the schema" "python3-jsonschema is not installed"
else
	for target in "" --facts "$machines/guest-hpet.record" "$machines/host-good.record"; do
		# shellcheck disable=SC2086 # none, one option or one path
		"$kvmtime" check --json $target >"$tmp/json" 2>&1
		ok "check --json ${target##*/} matches its schema" sh -c \
			"/usr/bin/python3 '$KVT_SOURCE/tests/e2e/validate.py' kvmtime.check.1 <'$tmp/json'"
	done
fi

is "a good machine: exit status 0" "$(status_of "$kvmtime" check "$machines/host-good.record")" 0
is "findings: exit status 1" "$(status_of "$kvmtime" check "$machines/guest-hpet.record")" 1
is "info alone: exit status 0" "$(status_of "$kvmtime" check "$machines/rhel7-guest.record")" 0
is "info counts with --fail-on info" \
	"$(status_of "$kvmtime" check --fail-on info "$machines/rhel7-guest.record")" 1
is "high does not reach --fail-on critical" \
	"$(status_of "$kvmtime" check --fail-on critical "$machines/guest-hpet.record")" 0
is "--fail-on with another word is usage" "$(status_of "$kvmtime" check --fail-on warm)" 2
is "a missing target: exit status 3" "$(status_of "$kvmtime" check "$tmp/none")" 3
is "-q prints nothing" "$("$kvmtime" check -q "$machines/guest-hpet.record" 2>&1)" ""
is "of two targets the worse counts" \
	"$(status_of "$kvmtime" check -q "$machines/guest-hpet.record" "$tmp/none")" 3

head -c 65536 /dev/zero | tr '\0' '\377' >"$tmp/garbage"
is "garbage is bad input" "$(status_of "$kvmtime" check "$tmp/garbage")" 4
head -n 20 "$machines/guest-hpet.record" >"$tmp/cut"
is "a record that was cut off is bad input" "$(status_of "$kvmtime" check "$tmp/cut")" 4
like "and says so" "$(cat "$tmp/err")" 'cut off'
: >"$tmp/empty"
is "an empty file is bad input" "$(status_of "$kvmtime" check "$tmp/empty")" 4

mkdir -p "$tmp/root/proc" "$tmp/root/etc" "$tmp/root/sys"
ln -s /etc/passwd "$tmp/root/proc/cmdline"
ln -s ../../../../../../etc/passwd "$tmp/root/proc/cpuinfo"
ln -s /dev/zero "$tmp/root/proc/stat"
mkfifo "$tmp/root/etc/adjtime"
mkdir "$tmp/root/etc/os-release"
is "hostile links, devices, pipes and folders in a root are only unknown" \
	"$(status_of "$kvmtime" check -q "$tmp/root")" 0

dmesg='[    0.000000] Linux version 6.1.0 (x) #1
[    0.000000] Hypervisor detected: KVM
[    5.000000] clocksource: timekeeping watchdog on CPU3: Marking clocksource '\''tsc'\'' as unstable because the skew is too large:
[    5.100000] clocksource: Switched to clocksource hpet'
like "a log on standard input is read" \
	"$(printf '%s\n' "$dmesg" | "$kvmtime" check -)" 'KVT-0204'
like "only the last boot of a log is judged" \
	"$(printf '%s\n[    0.000000] Linux version 6.1.0 (x) #1\n[    0.000000] Hypervisor detected: KVM\n' "$dmesg" |
		"$kvmtime" check -)" 'Nothing found'

like "a piece of a log that tells of a demotion gives a finding" \
	"$(echo '[  512.1] Clocksource tsc unstable (delta = -113914241 ns)' | "$kvmtime" check -)" 'KVT-0317'
widest=$("$kvmtime" check "$machines"/*.record | grep -v '  (/' | wc -L)
ok "text fits into 80 columns when piped" test "$widest" -le 80
is "no escape sequences when piped" \
	"$("$kvmtime" check "$machines/guest-hpet.record" | grep -c "$(printf '\033')")" 0
is "ASCII alone in the C locale" \
	"$(LC_ALL=C "$kvmtime" check "$machines/guest-hpet.record" | LC_ALL=C grep -c '[^ -~]')" 0

is "record writes" "$(status_of "$kvmtime" record "$tmp/this.record")" 0
is "record's file is for its owner alone" "$(stat -c %a "$tmp/this.record")" 600
is "record never overwrites" "$(status_of "$kvmtime" record "$tmp/this.record")" 3
is "record without a file is usage" "$(status_of "$kvmtime" record)" 2
"$kvmtime" check --json >"$tmp/live.json"
live=$(found <"$tmp/live.json")
live_to_sh=$(found KVT-0207 <"$tmp/live.json")
is "a record gives the findings of the live machine" \
	"$("$kvmtime" check --json "$tmp/this.record" | found)" "$live"
stable() { "$kvmtime" check --facts --json "$@" | /usr/bin/python3 -c '
import json, sys
print({f["state"] + str(f["value"]) for f in json.load(sys.stdin)["facts"] if f["name"] == "pvclock.stable"})'; }
is "a record holds the stable bit of the pvclock page" "$(stable "$tmp/this.record")" "$(stable)"
# version 2, multiplier 2^31 and shift 1 (1 GHz), then the flags
for case in "00 KVT-0207" "01 "; do
	flags=${case%% *}
	sed -e '/^end$/d' "$machines/guest-kvmclock-good.record" >"$tmp/page.record"
	printf '= /kvmtime/pvclock\nx 0200000000000000%032d0000008001%s0000\nend\n' \
		0 "$flags" >>"$tmp/page.record"
	is "a recorded page with flags $flags decides KVT-0207" \
		"$("$kvmtime" check --json "$tmp/page.record" | found)" "${case#* }"
done
printf 'kvmtime-record 1\n= /kvmtime/pvclock\nx 02z\nend\n' >"$tmp/odd.record"
is "bytes that are not hexadecimal are bad input" \
	"$(status_of "$kvmtime" check "$tmp/odd.record")" 4
for shell in "dash" "busybox sh"; do
	command -v "${shell%% *}" >/dev/null 2>&1 || {
		skip "record.sh under $shell" "$shell is not installed"
		continue
	}
	# shellcheck disable=SC2086 # a command and its argument
	$shell "$KVT_SOURCE/tools/record.sh" >"$tmp/sh.record" 2>"$tmp/err"
	# a shell cannot read the pvclock page, so KVT-0207 is undecided there
	is "record.sh under $shell gives the findings of the live machine" \
		"$("$kvmtime" check --json - <"$tmp/sh.record" | found KVT-0207)" "$live_to_sh"
	is "record.sh under $shell is silent on stderr" "$(cat "$tmp/err")" ""
done
ok "record.sh and kvmtime record know the same boot words" sh -c "
	sed -n 's/^	{ \"\\([a-z._-]*\\)\", [A-Z]* },\$/\\1/p' '$KVT_SOURCE/src/check/read_cmdline.c' |
	while read -r word; do grep -q \"[|']\$word[|']\" '$KVT_SOURCE/tools/record.sh' || { echo \"\$word\"; exit 1; }; done"

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null 2>&1; then
	as_nobody() { setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; }
	if as_nobody test -x "$kvmtime"; then
		if [ "$(cat /proc/sys/kernel/dmesg_restrict)" = 1 ]; then
			like "an ordinary user is told what only root could read" \
				"$(as_nobody "$kvmtime" check)" 'only root can read'
		else
			ok "an ordinary user gets a report" sh -c "[ $(as_nobody "$kvmtime" check -q; echo $?) -le 1 ]"
		fi
	else
		skip "an ordinary user" "the build folder is not open to others"
	fi
fi

if [ -r /proc/self/status ]; then
	peak=$(/usr/bin/python3 - "$kvmtime" <<'PY'
import resource, subprocess, sys
subprocess.run([sys.argv[1], 'check', '-q'])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
PY
)
	case $(ldd "$kvmtime" 2>/dev/null) in
	*libasan*) skip "check takes under 30 MB" "built with a sanitizer" ;;
	*) ok "check takes under 30 MB ($peak kB)" test "$peak" -lt 30720 ;;
	esac
fi
finish
