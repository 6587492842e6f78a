#!/usr/bin/env bash
# check --move over pairs of recorded hosts: one thing differs in each.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"

host() { # NAME KEY=VALUE...: a recorded host; what is not named is that of a good one
	local dir=$tmp/$1 mhz=2300.000 vendor=GenuineIntel source=tsc kernel=6.1.0-40-amd64 sync=yes \
		offset=0 scaling='' nonstop=nonstop_tsc nested='' pair
	for pair in "${@:2}"; do
		local "${pair?}"
	done
	mkdir -p "$dir"/{kvmtime,proc,etc,sys/module/kvm/parameters,sys/devices/system/clocksource/clocksource0}
	echo "$source" >"$dir/sys/devices/system/clocksource/clocksource0/current_clocksource"
	echo "tsc hpet acpi_pm" >"$dir/sys/devices/system/clocksource/clocksource0/available_clocksource"
	printf 'processor\t: 0\nvendor_id\t: %s\ncpu family\t: 6\nmodel\t\t: 85\nflags\t\t: %s\n' "$vendor" \
		"fpu tsc constant_tsc $nonstop $scaling $nested vmx" >"$dir/proc/cpuinfo"
	printf 'release %s\nversion #1\nmachine x86_64\n' "$kernel" >"$dir/kvmtime/uname"
	printf 'synchronised %s\noffset_ns %s\nfrequency_ppm 0\nmaxerror_us 2000\nesterror_us 100\nstatus 1\n' \
		"$sync" "$offset" >"$dir/kvmtime/adjtimex"
	# leaf 1: ECX bit 31 says that this is a virtual machine
	local ecx=0
	[ -z "$nested" ] || ecx=80000000
	printf '1 0 0 0 %s 0\n' $ecx \
		>"$dir/kvmtime/cpuid"
	printf '[    2.000000] tsc: Refined TSC clocksource calibration: %s MHz\n' "$mhz" >"$dir/kvmtime/log"
}
verdict() { # FROM TO [TOPIC]: of the pair, or of one item
	"$kvmtime" check --move "$tmp/$1" "$tmp/$2" --json | /usr/bin/python3 -c '
import json, sys
pair = json.load(sys.stdin)["pairs"][0]
items = {i["topic"]: i["verdict"] for i in pair["items"]}
print(items[sys.argv[1]] if len(sys.argv) > 1 else pair["verdict"])' "${@:3}"
}

host good
host near mhz=2300.200
host fast mhz=2600.000
host scaled mhz=2600.000 scaling=tsc_scale
host slow-clock source=hpet
host amd vendor=AuthenticAMD
host old kernel=5.10.0-35-amd64
host unsync sync=no
host late offset=400000000
host variant nonstop=
host nested nested=hypervisor
host silent
rm -r "$tmp/silent/kvmtime" "$tmp/silent/proc/cpuinfo"

is "twins may move" "$(verdict good good)" ok
is "87 ppm apart may move" "$(verdict good near "TSC rate")" ok
is "another rate without scaling is blocked" "$(verdict good fast)" block
is "and back too" "$(verdict fast good "TSC rate")" block
is "another rate with scaling may move" "$(verdict good scaled)" ok
is "and back is blocked, where nothing scales" "$(verdict scaled good)" block
is "a host on hpet wants care" "$(verdict good slow-clock)" care
is "leaving a host on hpet is fine" "$(verdict slow-clock good)" ok
is "another CPU vendor is blocked" "$(verdict good amd)" block
is "an older kernel wants care" "$(verdict good old "kernel")" care
is "a newer kernel is fine" "$(verdict old good)" ok
is "a host that nothing keeps wants care" "$(verdict good unsync NTP)" care
is "hosts 0.4 s apart want care" "$(verdict good late NTP)" care
is "a TSC that is not invariant is blocked" "$(verdict good variant "invariant TSC")" block
is "a destination that is a VM itself wants care" "$(verdict good nested "bare machine")" care
is "what is not known is unknown" "$(verdict good silent "TSC rate")" unknown
"$kvmtime" check --move "$tmp/good" "$tmp/near" "$tmp/fast" >"$tmp/out"
is "a blocked pair is exit status 1" $? 1
is "three hosts are six pairs" "$(grep -c ': .*move' "$tmp/out")" 6
"$kvmtime" check --move "$tmp/good" >/dev/null 2>&1
is "one host is exit status 2" $? 2
"$kvmtime" check --move "$tmp/good" "$tmp/nowhere" >/dev/null 2>&1
is "a host that cannot be read is exit status 3" $? 3
valid() { "$kvmtime" check --move "$tmp/good" "$tmp/fast" --json | "$KVT_SOURCE/tests/e2e/validate.py" kvmtime.move.1; }
ok "the JSON keeps to its schema" valid

cat >"$tmp/invtsc.xml" <<'EOT'
<domain type='kvm'><name>inv</name><memory>1</memory><os><type arch='x86_64' machine='pc'>hvm</type></os>
<cpu mode='host-passthrough' migratable='off'><feature policy='require' name='invtsc'/></cpu></domain>
EOT
like "a definition with invtsc and no rate is named" \
	"$("$kvmtime" check --move "$tmp/good" "$tmp/near" "$tmp/invtsc.xml")" 'definition'
finish
