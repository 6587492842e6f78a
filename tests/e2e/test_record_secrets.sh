#!/usr/bin/env bash
# What a record must not tell: a machine full of secrets is made in a mount namespace, and none of
# them appears in what kvmtime record and tools/record.sh write of it. The kernel's log cannot be
# planted so: the script gets a dmesg of ours, and tests/unit/test_record.c plants one for kvmtime
# record. And the two know the same files.
. "$KVT_SOURCE/tests/e2e/tap.sh"

files_of_c() {
	/usr/bin/python3 - "$KVT_SOURCE/src/check/record_write.c" <<'PY'
import re, sys
text = open(sys.argv[1]).read()
define = dict(re.findall(r'^#define (\w+)\s+"([^"]*)"', text, re.M))
table = re.search(r'\} files\[\] = \{(.*?)\n\};', text, re.S).group(1)
shell = {'all_of_it': 'whole', 'cpuinfo_line': 'cpuinfo', 'cmdline_line': 'boot_words',
         'first_cpu_line': 'first_cpu', 'os_line': 'os_lines', 'grub_line': 'grub',
         'legacy_line': 'legacy', 'time_config_line': 'time_config', 'agent_line': 'agent',
         'guests_line': 'guests', 'asset_line': 'asset', 'NULL': ''}
for prefix, path, keep in re.findall(r'\{\s*(\w+)?\s*"([^"]*)",\s*(\w+)\s*\}', table):
    print((define.get(prefix, '') + path + ' ' + shell[keep]).strip())
PY
}

files_of_c | sort >"$tmp/c.files"
sh "$KVT_SOURCE/tools/record.sh" --files | sort >"$tmp/sh.files"
ok "kvmtime record and record.sh know the same files and the same filter for each" \
	diff -u "$tmp/c.files" "$tmp/sh.files"
ok "the list is not empty" test "$(wc -l <"$tmp/c.files")" -gt 50

# what is planted; each must be gone, in any case of letters
cat >"$tmp/secrets" <<'EOF'
plantedhost
planted-domain
198.51.100.77
203.0.113.9
2001:db8:77::5
2001:db8:1:2:3:4:5:6
52:54:00:ab:cd:ef
4c4c4544-0042-3510-8056-b7c04f4d3132
0123456789abcdef0123456789abcdef
hunter2secret
lonelytimeserver
ntp.planted-domain.example
somebody@
EOF

plant() { # in a namespace of its own; $1 is a folder
	hostname plantedhost.planted-domain.example || return 1
	mkdir -p "$1/conf.d"
	printf 'ro password=hunter2secret root=UUID=4c4c4544-0042-3510-8056-b7c04f4d3132 ip=198.51.100.77::203.0.113.9 nohz=off\n' >"$1/cmdline"
	cat >"$1/chrony.conf" <<'EOF'
server ntp.planted-domain.example iburst key 7 # somebody@planted-domain.example
server -6 2001:db8:77::5 minpoll 4
server 203.0.113.9
pool lonelytimeserver iburst copy hunter2secret
makestep 1.0 3 # for plantedhost
allow 198.51.100.0/24
refclock SOCK /run/plantedhost.planted-domain.example.sock
EOF
	cp "$1/chrony.conf" "$1/ntp.conf"
	cp "$1/chrony.conf" "$1/conf.d/plantedhost.conf"
	echo plantedhost >"$1/hostname"
	cat >"$1/log" <<'EOF'
[    0.000000] Linux version 6.1.0-18-amd64 (root@plantedhost.planted-domain.example) (gcc) #1
[    0.000000] Command line: ro password=hunter2secret tsc=reliable notsc clocksource=tsc
[    1.000000] Hypervisor detected: KVM
Nov 20 03:35:01 plantedhost kernel: [   12.000000] Clocksource tsc unstable (delta = -113914241 ns)
2026-11-20T03:35:01.123456+00:00 plantedhost kernel: [   13.000000] Clocksource tsc unstable (delta = -113914242 ns)
Nov 20 03:35:02 plantedhost chronyd[611]: System clock wrong by 93.212345 seconds, says 203.0.113.9 (ntp.planted-domain.example) at lonelytimeserver
[   14.000000] rtc_cmos: setting system clock to 2026-11-20T03:35:01 UTC, 52:54:00:ab:cd:ef 2001:db8:77::5 [2001:db8:1:2:3:4:5:6] 198.51.100.77
[   15.000000] systemd-journald: Clocksource tsc unstable (delta = 1 ns) 4c4c4544-0042-3510-8056-b7c04f4d3132 0123456789abcdef0123456789abcdef PLANTEDHOST.planted-domain.example.
EOF
	mount --bind "$1/cmdline" /proc/cmdline || return 1
	mount -t tmpfs none /etc/chrony 2>/dev/null || { mount -t tmpfs none /etc && mkdir /etc/chrony; } || return 1
	cp -r "$1/chrony.conf" "$1/conf.d" /etc/chrony/
}

planted() { # output file, command...
	local out=$1
	shift
	export -f plant
	# shellcheck disable=SC2016 # expanded inside
	unshare --mount --uts bash -c 'plant "$0" >/dev/null && exec "$@"' "$tmp/planted" "$@" \
		>"$out" 2>"$tmp/err"
}

rm -rf "$tmp/planted"; mkdir "$tmp/planted"
if [ "$(id -u)" != 0 ] || ! planted "$tmp/cat" cat /etc/chrony/chrony.conf /proc/cmdline "$tmp/planted/log"; then
	skip "a record tells no secret" "no mount namespace can be made here: $(head -n 1 "$tmp/err")"
	finish
	exit
fi
ok "the secrets are planted" sh -c "grep -q lonelytimeserver '$tmp/cat' && grep -q hunter2secret '$tmp/cat' && grep -q plantedhost '$tmp/cat'"

check_output() { # name, file
	is "$1: nothing of what was planted" "$(grep -i -n -F -f "$tmp/secrets" "$2")" ""
	ok "$1: what is about time stayed: the boot line" grep -Eq '^[|]nohz=off$' "$2"
	ok "$1: ... a server with its options" grep -Eq '^[|]server server(-[0-9]+)? iburst' "$2"
	ok "$1: ... makestep" grep -Eq '^[|]makestep 1.0 3 *$' "$2"
	ok "$1: ... a configuration by its place" grep -Eq '^= /etc/chrony/conf.d/file-001.conf$' "$2"
	like "$1: it is whole" "$(tail -n 1 "$2")" '^end$'
}

log_by_sh='= /kvmtime/log
|[    0.000000] Linux version 6.1.0-18-amd64
|[    1.000000] Hypervisor detected: KVM
|Nov 20 03:35:01 host kernel: [   12.000000] Clocksource tsc unstable (delta = -113914241 ns)
|2026-11-20T03:35:01.123456+00:00 host kernel: [   13.000000] Clocksource tsc unstable (delta = -113914242 ns)
|Nov 20 03:35:02 host chronyd[611]: System clock wrong by 93.212345 seconds, says ADDRESS (server) at server
|[   14.000000] rtc_cmos: setting system clock to 2026-11-20T03:35:01 UTC, ADDRESS ADDRESS [ADDRESS] ADDRESS
|[   15.000000] systemd-journald: Clocksource tsc unstable (delta = 1 ns) UUID UUID server.
end'
planted "$tmp/c.out" "$kvmtime" record --list
check_output "kvmtime record" "$tmp/c.out"
for shell in dash "busybox sh"; do
	command -v "${shell%% *}" >/dev/null 2>&1 || {
		skip "record.sh under $shell tells no secret" "$shell is not installed"
		continue
	}
	# read from standard input, as over ssh
	{ echo "dmesg() { cat '$tmp/planted/log'; }" && cat "$KVT_SOURCE/tools/record.sh"; } >"$tmp/script"
	# shellcheck disable=SC2086 # a command and its argument
	planted "$tmp/sh.out" $shell <"$tmp/script"
	check_output "record.sh under $shell" "$tmp/sh.out"
	sed -n '/^= .kvmtime.log/,$p' "$tmp/sh.out" >"$tmp/sh.log"
	is "record.sh under $shell: the log, with stand-ins" "$(cat "$tmp/sh.log")" "$log_by_sh"
done
finish
