#!/usr/bin/env bash
# kvmtimed --guest: chrony's configuration in a tree, and the servo in an emulated guest whose only
# source is its RTC. This machine's clock is not touched.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
. "${KVT_SOURCE:?}/tests/partners/guest.sh"
ask=$KVT_SOURCE/tests/partners/ask.py
kvmtimed=$KVT_BUILD/kvmtimed

# ---- chrony, in a tree ----
mkdir -p "$tmp/tree/etc/chrony"
printf 'pool 2.debian.pool.ntp.org iburst\nmakestep 1 3\n' >"$tmp/tree/etc/chrony/chrony.conf"
printf 'ID=debian\n' >"$tmp/tree/etc/os-release"
cp "$tmp/tree/etc/chrony/chrony.conf" "$tmp/before"
if [ -e "$KVT_BUILD/modules/kvmtime-fix.so" ]; then
	out=$("$kvmtimed" --guest --root "$tmp/tree" 2>&1)
	is "what is not done yet is exit status 1" $? 1
	like "chrony's refclock is shown as a diff" "$out" '^\+refclock PHC /dev/ptp_kvm'
	ok "and nothing is changed" cmp "$tmp/before" "$tmp/tree/etc/chrony/chrony.conf"
	out=$("$kvmtimed" --guest --apply --root "$tmp/tree" 2>&1)
	is "--apply is exit status 0" $? 0
	like "it says how to take it back" "$out" 'Done as change 1\.  kvmtime undo 1'
	ok "and writes it" grep -q '^refclock PHC /dev/ptp_kvm' "$tmp/tree/etc/chrony/chrony.conf"
	like "then there is nothing to do" "$("$kvmtimed" --guest --root "$tmp/tree" 2>&1)" 'is configured to follow the host.s clock'
	"$kvmtime" undo 1 "$tmp/tree" >/dev/null 2>&1
	ok "kvmtime undo takes it back" cmp "$tmp/before" "$tmp/tree/etc/chrony/chrony.conf"
else
	skip "chrony's refclock is shown as a diff" "no Augeas"
fi
rm "$tmp/tree/etc/chrony/chrony.conf"
like "without chrony the servo is named" "$("$kvmtimed" --guest --root "$tmp/tree" 2>&1)" 'kvmtimed --guest --servo'
"$kvmtimed" --servo 2>/dev/null
is "--servo alone is exit status 2" $? 2
"$kvmtimed" --guest --servo --apply 2>/dev/null
is "--servo with --apply too" $? 2
if ls /dev/ptp* >/dev/null 2>&1; then
	like "a PTP clock is read" "$("$kvmtimed" --guest 2>&1)" '^(source   /dev/ptp|kvmtimed: nothing shows)'
else
	skip "a PTP clock is read" "no /dev/ptp* here"
fi

# ---- the servo in a guest ----
why=$(guest_missing)
if [ -n "$why" ]; then
	skip "a stopped guest follows its RTC" "$why"
	finish
fi
if grep -q __asan_init "$kvmtimed"; then
	skip "a stopped guest follows its RTC" "the sanitizers' libraries are too large for the guest"
	finish
fi
trap 'guest_stop "$tmp/g"; rm -rf "$tmp"' EXIT
eventually() {
	local tries
	for ((tries = 0; tries < 600; tries++)); do
		"$@" && return 0
		sleep 0.1
	done
	echo "not within 60 s: $*" >&2
	return 1
}
cat >"$tmp/run.sh" <<'EOT'
guest-clock /dev/virtio-ports/kvmtime.clock &
echo "kvt-guest: up" >/dev/console
while :; do kvmtimed --guest --servo >/dev/console 2>&1; sleep 1; done
EOT
guest_append=(no_timer_check clocksource=hpet)
said() { tr -d '\r' <"$tmp/g/console" | grep -a -E "$1"; }
# the bound that it has stated last, in ns
bound_ns() { said 'kvmtimed: (stepped|following|slewing)' | tail -n 1 | sed 's/.*+- \([0-9.]*\) ms.*/\1/' | awk '{ printf "%d", $1 * 1e6 }'; }
offset() { "$ask" clock "$tmp/g/clock" 20; }
within() { # the guest's own reading, against the stated bound and the reading's own
	local bound
	bound=$(bound_ns)
	/usr/bin/python3 -c 'import sys
offset, own = map(int, sys.argv[1].split()); print(offset, own, sys.argv[2])
sys.exit(abs(offset) > int(sys.argv[2]) + own)' "$(offset)" "$bound"
}
ok "a guest with kvmtimed in it starts" guest_start "$tmp/g" "$tmp/run.sh:run.sh" "$kvmtimed:bin/kvmtimed"
ok "it follows its RTC" eventually said 'kvmtimed: (following|stepped|slewing): .*/dev/rtc0 \(RTC\)'
ok "within the bound that it states" within
before=$(said 'kvmtimed: stepped' | wc -l)
"$ask" qmp "$tmp/g/qmp" stop >/dev/null
sleep 20
"$ask" qmp "$tmp/g/qmp" cont >/dev/null
stepped() { [ "$(said 'kvmtimed: stepped' | wc -l)" -gt "$before" ]; }
ok "after a stop of 20 s it is stepped" eventually stepped
like "by what it stood still" "$(said 'kvmtimed: stepped' | tail -n 1)" 'stepped: -(19|2[0-9]|3[0-9])\.[0-9] s \+- [0-9]+ ms, behind'
ok "and right within the bound that it states" within
finish
