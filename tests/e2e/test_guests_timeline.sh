#!/usr/bin/env bash
# check --at: document 001's own case, rebuilt from its two log lines.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
export TZ=UTC

cat >"$tmp/host.log" <<'EOT'
Nov 20 03:10:11 kvm1 systemd-machined[900]: New machine qemu-12-vm12.
Nov 20 03:10:14 kvm1 kernel: [9423260.120000] ixgbe 0000:04:00.0 eth2: Setting MAC 52:54:00:ab:cd:ef on VF 3.  Reload the VF driver to make this change effective.
Nov 20 03:55:00 kvm1 kernel: [9425946.000000] ixgbe 0000:04:00.0 eth2: Setting MAC 52:54:00:ab:cd:f0 on VF 4.  Reload the VF driver to make this change effective.
EOT
cat >"$tmp/guest.log" <<'EOT'
Nov 20 03:10:10 vm3 app[1]: hello
Nov 20 03:10:18 vm3 kernel: [2423264.824259] Clocksource tsc unstable (delta = 6824818792 ns).  Enable clocksource failover by adding clocksource_failover kernel parameter.
EOT
at() { "$kvmtime" check --at "$@"; }
out=$(at "2026-11-20T03:10:20Z" "$tmp/host.log" "$tmp/guest.log")
is "a gap is exit status 1" $? 1
like "the guest's gap is found with its length" "$out" 'gap .*guest.log: 6.82 s, 03:10:11 to 03:10:18'
like "the host's event inside the gap is named" "$out" 'in it, at 03:10:14, on the host: A virtual function'
is "the host's event outside the window is left out" "$(echo "$out" | grep -c 'VF 4')" 0
json=$(at "2026-11-20T03:10:20Z" "$tmp/host.log" "$tmp/guest.log" --json)
valid() { printf '%s' "$1" | "$KVT_SOURCE/tests/e2e/validate.py" kvmtime.timeline.1; }
ok "the JSON keeps to its schema" valid "$json"
like "the gap points at the host's event" "$json" '"VF|Reload the VF driver'

# the same guest, its clock an hour ahead
sed 's/ 03:/ 04:/' "$tmp/guest.log" >"$tmp/ahead.log"
like "without the offset nothing meets" "$(at "2026-11-20T03:10:20Z" "$tmp/host.log" "$tmp/ahead.log" --window 7200)" 'no known event of the host'
like "logs are aligned by the guest's offset" \
	"$(at "2026-11-20T03:10:20Z" "$tmp/host.log" "$tmp/ahead.log" --offset 3600)" 'in it, at 03:10:14'
# two guests, each with an offset of its own
like "each guest is aligned by its own offset" \
	"$(at "2026-11-20T03:10:20Z" "$tmp/host.log" "$tmp/guest.log" "$tmp/ahead.log" --offset 0 --offset 3600 | grep -c 'in it, at 03:10:14')" '^2$'
at "2026-11-20T03:10:20Z" "$tmp/host.log" "$tmp/guest.log" --offset 1 --offset 2 >/dev/null 2>&1
is "an offset too many is exit status 2" $? 2

# what watch has recorded: the guest lost time, and its log is aligned by its offset of that moment
sample() { # HH:MM:SS OFFSET_NS
	printf '{"schema":"kvmtime.watch/1","target":"ahead","offset":{"time":"2026-11-20T%s.000Z","offset_ns":"%s","bound_ns":"100000"}}\n' "$@"
}
{
	sample 03:09:00 3600000000000
	echo '{"schema":"kvmtime.watch/1","target":"ahead","status":"hung","offset":null}'
	sample 03:10:10 3600000000000
	sample 03:10:20 3593175181208
	sample 03:10:30 3593175200000
} >"$tmp/watch.json"
out=$(at "2026-11-20T03:10:20Z" "$tmp/host.log" "$tmp/watch.json")
like "a recording shows a gap" "$out" 'gap .*watch of ahead: 10 s, 03:10:10 to 03:10:20'
like "with the host's event in it" "$out" 'in it, at 03:10:14, on the host: A virtual function'
like "and what the clock lost" "$out" 'ahead lost 6.824819 s'
like "a log is aligned by the recorded offset of its guest" \
	"$(at "2026-11-20T03:10:20Z" "$tmp/host.log" "$tmp/ahead.log" "$tmp/watch.json")" 'gap .*ahead.log: 6.82 s'
ok "that JSON keeps to its schema" valid "$(at "2026-11-20T03:10:20Z" "$tmp/host.log" "$tmp/watch.json" --json)"
"$kvmtime" check --at "2026-11-20T03:10:20Z" "$tmp/watch.json" "$tmp/watch.json" >/dev/null 2>&1
is "recordings without the host's log are exit status 2" $? 2

# a log and a recorded machine that count from their boot: the RTC's time at the start is known
boot_log() {
	echo '[    2.000000] rtc_cmos 00:04: setting system clock to 2026-11-20T03:00:00 UTC (1795143600)'
	echo '[  620.000000] Clocksource tsc unstable (delta = 6824818792 ns)'
}
boot_log >"$tmp/boot.log"
like "stamps since the boot count from the kernel's own start" \
	"$(at "2026-11-20T03:10:20Z" "$tmp/host.log" "$tmp/boot.log")" 'boot.log: 6.82 s, 03:10:11 to 03:10:18'
{
	printf 'kvmtime-record 1\n= /kvmtime/log\n'
	boot_log | sed 's/^/|/'
	echo end
} >"$tmp/guest.record"
like "a recorded machine's log joins in" \
	"$(at "2026-11-20T03:10:20Z" "$tmp/host.log" "$tmp/guest.record")" 'guest.record: 6.82 s, 03:10:11 to 03:10:18'

# other dialects of stamps
sed 's/^Nov 20 \([0-9:]*\)/2026-11-20T\1.500000+00:00/' "$tmp/guest.log" >"$tmp/iso.log"
like "RFC 3339 stamps are read" "$(at "2026-11-20 03:10:20" "$tmp/host.log" "$tmp/iso.log")" '6.82 s'
printf '[Fri Nov 20 03:10:18 2026] Clocksource tsc unstable (delta = -6824818792 ns)\n' >"$tmp/dmesg-T.log"
like "dmesg -T stamps are read, a delta of either sign" "$(at "2026-11-20T03:10:20Z" "$tmp/host.log" "$tmp/dmesg-T.log")" '6.82 s'
echo 'Dec 31 23:59:59 vm kernel: Clocksource tsc unstable (delta = 1000000000 ns)' >"$tmp/year.log"
like "a stamp without a year takes the nearest" \
	"$(at "2027-01-01T00:00:05Z" "$tmp/host.log" "$tmp/year.log")" '1 gap'
printf '[2423264.824259] Clocksource tsc unstable (delta = 6824818792 ns)\n' >"$tmp/raw.log"
at "2026-11-20T03:10:20Z" "$tmp/host.log" "$tmp/raw.log" >/dev/null 2>&1
is "a log without wall-clock stamps is exit status 4" $? 4
at "2026-11-20T03:10:20Z" "$tmp/host.log" "$tmp/none.log" >/dev/null 2>&1
is "a log that is not there is exit status 3" $? 3
at yesterday "$tmp/host.log" "$tmp/guest.log" >/dev/null 2>&1
is "no time is exit status 2" $? 2
at "2026-11-20T03:10:20Z" "$tmp/host.log" >/dev/null 2>&1
is "a host's log alone is exit status 2" $? 2
at "2026-11-20T08:00:00Z" "$tmp/host.log" "$tmp/guest.log" >/dev/null
is "no gap in the window is exit status 0" $? 0
finish
