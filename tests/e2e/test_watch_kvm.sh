#!/usr/bin/env bash
# watch --kvm over a trace that a kernel wrote (Linux 6.18, kvmtime lab clock as the VMM).
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
trace=$KVT_SOURCE/tests/e2e/kvm.trace
"$kvmtime" watch --help | grep -q -e --kvm || skip_all "this build has no --kvm (not x86-64)"

out=$("$kvmtime" watch --kvm --trace "$trace")
is "a recording in which a stable bit was lost ends with exit status 1" $? 1
like "the master clock goes on and off" "$out" '^15495.624645  kvmtime-29779 +master clock on'
like "with its reason" "$out" '^15495.685148  kvmtime-29779 +master clock OFF .*TSC offsets do not match'
like "who lost the stable bit, when and why" "$out" \
	'^15497.844579  kvmtime-29779 +vCPU 0 LOST the stable bit: the guest took kvm-clock.s old register'
like "and who got it back" "$out" '^15497.844920  kvmtime-29779 +vCPU 0 got back the stable bit$'
like "each vCPU's TSC offset" "$out" 'vCPU 1: TSC offset written: -40234610410763 cycles'
is "by standard input it is the same" "$("$kvmtime" watch --kvm --trace - <"$trace")" "$out"
if /usr/bin/python3 -c 'import jsonschema' 2>/dev/null; then
	"$kvmtime" watch --kvm --trace "$trace" --json >"$tmp/lines"
	ok "each line of its JSON is valid" /usr/bin/python3 "$KVT_SOURCE/tests/e2e/validate.py" \
		kvmtime.watch-kvm.1 <"$tmp/lines"
	like "with the time of the event" "$(cat "$tmp/lines")" '"event":"stable-lost".*"monotonic_s":15497.84457'
fi
is "-q says it by the exit status alone" "$("$kvmtime" watch --kvm --trace "$trace" -q; echo $?)" 1

head -c 3000 "$trace" >"$tmp/cut"
out=$("$kvmtime" watch --kvm --trace "$tmp/cut")
is "a recording that was cut ends without a loss" $? 0
head -c 20000 /dev/urandom >"$tmp/noise"
"$kvmtime" watch --kvm --trace "$tmp/noise" >"$tmp/out" 2>&1
is "what is no trace has no event" "$? $(cat "$tmp/out")" "0 "
"$kvmtime" watch --kvm --trace "$tmp/missing" >"$tmp/out" 2>&1
is "a file that is not there is bad input" $? 4
"$kvmtime" watch --trace "$trace" >"$tmp/out" 2>&1
is "a trace without --kvm is a usage error" $? 2
finish
