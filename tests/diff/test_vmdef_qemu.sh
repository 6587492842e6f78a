#!/usr/bin/env bash
# QEMU is the judge of the table of old options: the installed one takes every command line that we
# write for its release, and refuses each option that we say it refuses.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"

qemu=$(command -v qemu-system-x86_64) || skip_all "qemu-system-x86_64 is not installed"
release=$("$qemu" --version | sed -n 's/.*version \([0-9]*\.[0-9]*\).*/\1/p')
cd "$tmp" || exit 1

# Starts a VM that never runs and asks it to quit: 0 if QEMU took the arguments.
takes() {
	printf '%s\n' '{"execute":"qmp_capabilities"}{"execute":"quit"}' |
		timeout 60 "$qemu" -S -display none -nodefaults -qmp stdio "$@" >"$tmp/out" 2>&1
}

domain() { # clock, timers, cpu
	cat <<END
<domain type='qemu'><name>case</name><os><type arch='x86_64' machine='$4'>hvm</type></os>
<features><acpi/></features>$3<clock $1>$2</clock>
<devices><channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel></devices></domain>
END
}

number=0
bad=0
for machine in pc q35; do
	for clock in "" "offset='localtime'" "offset='utc' adjustment='3600'" "offset='absolute' start='1000000000'" "offset='timezone' timezone='Europe/Paris'"; do
		for timers in "" "<timer name='rtc' tickpolicy='catchup' track='guest'/><timer name='hpet' present='no'/>" \
			"<timer name='pit' tickpolicy='discard'/><timer name='kvmclock' present='no'/>" \
			"<timer name='pit' tickpolicy='delay'/><timer name='rtc' track='realtime'/><timer name='tsc' frequency='2000000000'/>"; do
			for cpu in "" "<cpu mode='maximum'/>"; do
				number=$((number + 1))
				domain "$clock" "$timers" "$cpu" $machine >"$tmp/case.xml"
				line=$("$kvmtime" vm convert --to qemu --qemu "$release" "$tmp/case.xml" 2>/dev/null)
				eval "set -- $line"
				while [ $# -gt 0 ] && [ "${1##*qemu-system-x86_64}" != "" ]; do shift; done
				shift
				takes "$@" || { bad=$((bad + 1)); echo "# $line: $(head -n 2 "$tmp/out")"; }
			done
		done
	done
done
is "QEMU $release takes the $number command lines that we write for it" "$bad" 0

# each option of the table, with the release that removed it
version=$((${release%%.*} * 100 + ${release##*.}))
while read -r option value removed; do
	gone=$((${removed%%.*} * 100 + ${removed##*.}))
	[ "$value" = - ] && value=
	if [ $gone -le $version ]; then
		# shellcheck disable=SC2086
		if takes $option $value; then status=taken; else status=refused; fi
		is "QEMU $release refuses $option, removed in $removed" $status refused
		like "and we say so of $option" "$(echo "kvm $option $value" | KVT_QEMU=$release "$kvmtime" check --json -)" 'KVT-0513'
	else
		# shellcheck disable=SC2086
		if takes $option $value; then status=taken; else status=refused; fi
		is "QEMU $release takes $option still" $status taken
	fi
done <<'END'
-no-kvm-pit-reinjection - 3.0
-no-kvm-pit - 2.12
-tdf - 2.12
-rtc-td-hack - 3.1
-localtime - 3.1
-startdate 2006-06-17 3.1
-no-hpet - 9.0
-no-acpi - 9.0
-no-kvm-irqchip - 2.12
-no-kvm - 3.0
END
finish
