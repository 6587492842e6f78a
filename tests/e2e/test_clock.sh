#!/usr/bin/env bash
# kvmtime clock as a process: this machine, dumps, wrong command lines, an ordinary user.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
export PYTHONDONTWRITEBYTECODE=1

record=2200000000000000500ac8d000000000e9c8495000000000b09237c5ff010000
valid() { # a fact; JSON on stdin, not through a pipe: a case has to count in this shell
	local out status=0
	out=$("$KVT_SOURCE/tests/e2e/validate.py" kvmtime.clock.1 2>&1) || status=$?
	if [ $status = 77 ]; then skip "$1" "$out"; else tap_result $status "$1" "$out"; fi
}
decode() { # text or bytes on stdin, then options
	"$kvmtime" clock --decode - "$@" 2>&1
}

# ---- dumps ----

printf '%s' $record | xxd -r -p >"$tmp/bin" 2>/dev/null ||
	printf '\x22\0\0\0\0\0\0\0\x50\x0a\xc8\xd0\0\0\0\0\xe9\xc8\x49\x50\0\0\0\0\xb0\x92\x37\xc5\xff\1\0\0' >"$tmp/bin"
want=$(printf %s $record | decode --json | grep -c '"tsc_to_system_mul" : 3308753584')
is "a plain hex record is decoded" "$want" 1
like "its scale is given as kHz" "$(decode <"$tmp/bin")" 'tsc_khz +2596124\.001'
like "a stated rate is what the scale is judged by" \
	"$(decode --khz 2596041 <"$tmp/bin")" 'rate_error_ppb +-31[0-9]{3}\..* slow against 2596041 kHz \(as stated\)'
like "a stated counter gives the value" "$(decode --tsc 6098894768 <"$tmp/bin")" 'value_ns +2347012840 '
like "a dump without a name is told by its size and contents" "$(decode <"$tmp/bin")" 'told by size'
like "a file may be named" "$("$kvmtime" clock -d "$tmp/bin")" "32 bytes of $tmp/bin"
if command -v od >/dev/null; then
	is "what od prints is understood" "$(od -t x1 "$tmp/bin" | decode --json | grep -c 3308753584)" 1
	is "od's words are little endian" "$(od -t x8 "$tmp/bin" | decode --json | grep -c 3308753584)" 1
	like "od's octal words are refused with the way out" "$(od "$tmp/bin" | decode)" 'od -t x1'
fi
for type in pvclock xen; do
	valid "the JSON of a decoded $type dump is valid" < <(decode --as $type --json <"$tmp/bin")
done
valid "the JSON of a wall clock is valid" < <(printf '\x02\0\0\0\0\xf1\x53\x65\5\0\0\0' | decode --json)
for type in steal-time pairing hyperv; do
	valid "the JSON of a $type record of zeros is valid" < <(head -c 64 /dev/zero | decode --as $type --json)
done
{ printf 'VCLK\x70\0\0\0\1\0\1\1\2\0\0\0' && head -c 96 /dev/zero; } >"$tmp/vmclock"
valid "the JSON of a vmclock region is valid" < <(decode --json <"$tmp/vmclock")
like "a vmclock region is told by its magic" "$(decode <"$tmp/vmclock")" 'told by magic number'

# ---- wrong input: exit status and words ----

wrong() { # fact, want status, pattern, stdin text, options
	local fact=$1 status=$2 pattern=$3 text=$4 got=0 out
	shift 4
	out=$(printf '%b' "$text" | "$kvmtime" clock "$@" 2>&1 >/dev/null) || got=$?
	is "$fact: exit status $status" $got "$status"
	like "$fact: says why" "$out" "$pattern"
	is "$fact: in one line" "$(printf '%s\n' "$out" | grep -vc '^Try:')" 1
}
wrong "no hex" 4 "line 2: 'zz' is not hexadecimal" '00 11\n22 zz\n' --decode -
wrong "nothing" 4 'nothing in it' '' --decode -
wrong "too short" 4 'look like none of pvclock \(32, 64 or 4096 bytes\)' '00 11' --decode -
wrong "zeros" 4 'all 4 bytes are zero' '00000000' --decode -
wrong "another type's size" 4 'are no steal-time \(64 bytes\): too few bytes' "$record" -d - --as steal-time
wrong "an unknown type" 2 "not 'clock'" "$record" --decode - --as clock
wrong "a missing file" 3 'No such file' '' --decode "$tmp/none"
wrong "a folder" 3 'Is a directory' '' --decode "$tmp"
wrong "an endless file" 4 'longer than any dump' '' --decode /dev/zero
wrong "an argument" 2 "no argument is taken, not 'dump'; a dump is read with --decode" '' dump
wrong "--as alone" 2 'belong to --decode' '' --as xen
wrong "both modes" 2 'exclude each other' '' --decode - --watch
wrong "a wrong interval" 2 "seconds from 0.01 to 86400, not '0'" '' --watch 0
wrong "no interval" 2 "not 'x'" '' --watch=x
wrong "a negative rate" 2 '--khz takes' '' --khz -5
wrong "control characters in a file name" 3 '\?' '' --decode "$(printf 'a\033[31m')"

# ---- this machine ----

"$kvmtime" clock >"$tmp/text" 2>&1
is "this machine's clock is shown, page or not" $? 0
like "the first line says whether there is a page" "$(head -n 2 "$tmp/text")" 'pvclock page'
valid "the JSON of a machine with a VMClock and PHCs is valid" \
	< <("$KVT_BUILD/tests/unit/test_clock_text" --document)
valid "the JSON of this machine is valid" < <("$kvmtime" clock --json)
is "--quiet prints nothing" "$("$kvmtime" clock -q 2>&1)" ""
is "80 columns are enough" "$("$kvmtime" clock -v | awk 'length($0) > 80')" ""
is "outside UTF-8 everything is ASCII" "$(LC_ALL=C "$kvmtime" clock -v | LC_ALL=C grep -n '[^ -~]')" ""
(ulimit -n 5; "$kvmtime" clock >"$tmp/few" 2>&1)
like "without file descriptors it ends in words" "$? $(cat "$tmp/few")" '^[03] .+'
page=$(grep -c '^pvclock  record' "$tmp/text")
if [ "$page" = 1 ]; then
	timeout -s INT 20 "$kvmtime" clock --watch 0.05 >"$tmp/watch" 2>&1 &
	pid=$!
	for _ in $(seq 200); do
		[ "$(wc -l <"$tmp/watch")" -ge 4 ] && break
		sleep 0.05 # polling, with a deadline
	done
	kill -INT $pid
	wait $pid
	is "--watch ends with 0 when interrupted" $? 0
	like "--watch prints a heading and lines with a bound" "$(sed -n 2p "$tmp/watch")" '[0-9]\.[0-9]{9} s .* ± '
	is "a closed reader ends --watch" "$(timeout 20 "$kvmtime" clock --watch 0.05 2>&1 | head -n 2 | wc -l)" 2
else
	skip "--watch" "no pvclock page is mapped here"
fi

# ---- an ordinary user ----

if [ "$(id -u)" != 0 ]; then
	skip "an ordinary user" "this is not root: everything above was already run by one"
elif ! command -v setpriv >/dev/null; then
	skip "an ordinary user" "setpriv is not there"
else
	cp "$kvmtime" "$tmp/kvmtime"
	chmod 755 "$tmp" "$tmp/kvmtime"
	nobody="setpriv --reuid=nobody --regid=nogroup --clear-groups"
	$nobody "$tmp/kvmtime" clock >"$tmp/user" 2>&1
	is "an ordinary user gets an answer" $? 0
	is "an ordinary user sees the page as root does" "$(grep -c '^pvclock  record' "$tmp/user")" "$page"
	valid "the JSON that an ordinary user gets is valid" < <($nobody "$tmp/kvmtime" clock --json)
	# no /proc at all: what cannot be looked for is unknown
	if grep -q __asan_init "$kvmtime"; then
		skip "no /proc" "the sanitizers read their own options there"
	elif command -v unshare >/dev/null && unshare -m true 2>/dev/null; then
		out=$(unshare -m bash -c "mount -t tmpfs none /proc && '$tmp/kvmtime' clock; echo status \$?" 2>&1)
		like "without /proc the page is not known" "$out" 'not known: /proc/self/maps'
		like "without /proc and any device the system refused" "$out" 'status 3'
	else
		skip "no /proc" "unshare -m does not work here"
	fi
fi
finish
