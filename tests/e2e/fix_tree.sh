# shellcheck shell=bash disable=SC2154
# Sourced after tap.sh: trees that stand for machines, and what fix did to them.

put() { # path, then the content on standard input
	mkdir -p "$(dirname "$1")"
	cat >"$1"
}

guest() { # folder, kernel release, words on the running boot line
	mkdir -p "$1/etc" "$1/proc"
	printf 'release %s\nmachine x86_64\n' "$2" | put "$1/kvmtime/uname"
	printf '40000000 0 40000001 4b4d564b 564b4d56 4d\n40000001 0 1000a3b 0 0 0\n1 0 0 0 80000000 0\n' |
		put "$1/kvmtime/cpuid"
	printf 'ro root=/dev/vda1 %s\n' "$3" | put "$1/proc/cmdline"
	printf 'processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\nflags\t\t: fpu tsc hypervisor constant_tsc\n' |
		put "$1/proc/cpuinfo"
	echo kvm-clock | put "$1/sys/devices/system/clocksource/clocksource0/current_clocksource"
	echo "kvm-clock tsc acpi_pm" | put "$1/sys/devices/system/clocksource/clocksource0/available_clocksource"
}

# Everything of a tree but the journal: path, mode, owner, time, attributes, content.
manifest() {
	(
		cd "$1" || exit
		find . -path ./var/lib/kvmtime -prune -o -type f -print | sort >"$tmp/files"
		xargs stat -c '%n %a %u:%g %y' <"$tmp/files"
		xargs sha256sum <"$tmp/files"
		xargs getfattr -d -m - -e hex <"$tmp/files" 2>/dev/null
	)
}

ids() { # of the findings that are not said to wait for the reboot
	"$kvmtime" check --json "$@" | /usr/bin/python3 -c '
import json, sys
print(" ".join(f["id"] for f in json.load(sys.stdin)["findings"] if not f["waits_for_reboot"] and not f["waits_for_restart"]))'
}

waiting() { # ids of the findings that the files mend already
	"$kvmtime" check --json "$@" | /usr/bin/python3 -c '
import json, sys
print(" ".join(sorted(f["id"] for f in json.load(sys.stdin)["findings"]
                      if f["waits_for_reboot"] or f["waits_for_restart"])))'
}

# "ids whose remedy edits files | ids whose remedy is commands alone | ids that are refused"
planned() {
	"$kvmtime" fix --json "$1" | /usr/bin/python3 -c '
import json, sys
steps = json.load(sys.stdin)["steps"]
edits = {s["id"] for s in steps if s["edits"]}
refused = {s["id"] for s in steps if s["refused"]}
runs = {s["id"] for s in steps if not s["already"]} - edits - refused
print(*sorted(edits), "|", *sorted(runs), "|", *sorted(refused))'
}

# Owner, mode, ACL, label, attribute and time that nobody gives by chance.
dress() {
	find "$1/boot" "$1/etc" -type f -exec chmod 0640 {} + 2>/dev/null
	find "$1/boot" "$1/etc" -type f -exec chown 12:34 {} + 2>/dev/null
	find "$1/boot" "$1/etc" -type f -exec setfattr -n user.kvmtime -v keep {} + 2>/dev/null
	find "$1/boot" "$1/etc" -type f -exec setfattr -n security.selinux \
		-v system_u:object_r:etc_t:s0 {} + 2>/dev/null
	find "$1/boot" "$1/etc" -type f -exec setfacl -m u:7:r {} + 2>/dev/null
	find "$1" -type f -exec touch -d '2020-02-02 02:02:02.123456789' {} +
}
