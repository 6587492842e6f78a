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
