#!/usr/bin/env bash
# Writes doc/tick-policies.md from `kvmtime sim --grid`.
set -eu
cd "$(dirname "$0")/.."
{
	cat <<'TEXT'
# Which tick policy keeps time for which guest

Made by `doc/regenerate-sim-table.sh`; do not edit. The policies `delay`, `catchup`, `merge` and
`discard` are libvirt's words. `replay` is what KVM's in-kernel PIT does and QEMU calls
`kvm-pit.lost_tick_policy=delay`; `slew` is QEMU's `-rtc driftfix=slew`. Loads: so many percent of
the time stolen, 20 ms at a time on average; or one pause of 10 s.

- A guest that only counts ticks keeps time with `catchup`, `replay` or `slew`, and with no other.
- A guest that finds lost ticks by itself (Linux 2.6.9 and its kin) needs `discard`: sent again, the
  ticks count twice and its clock runs ahead by what was stolen.
- A guest whose clock is a counter (TSC, kvm-clock) does not care.
- All this is of time in which the chip goes on. While its host sleeps, or the guest migrates or is
  saved, the PIT and the HPET stand: no policy makes that up, and the guest's clock has to be set
  (`kvmtime sim --load sleep:10`, `man kvmtime-sim`). An RTC by the host's wall clock sees it.

```
TEXT
	build/kvmtime sim --grid
	echo '```'
} >doc/tick-policies.md
