#!/usr/bin/env bash
# Every example is a complete program of at most 100 lines, is built and does what it says.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
cd "$KVT_SOURCE/examples" || exit 1
built=$KVT_BUILD/examples

for file in *.c; do
	ok "$file has at most 100 lines" [ "$(wc -l <"$file")" -le 100 ]
done

ok "the PIT with a policy runs to its end" "$built/example_pit_policy"

page=$("$built/example_kernel_page")
case $? in
0) like "the kernel's page is printed" "$page" '^now [0-9]+ ns' ;;
3) skip "the kernel's page is printed" "$page" ;;
*) is "the kernel's page is printed" "$page" "exit status 0 or 3" ;;
esac

rises_and_keeps_up() { # guest's reading never falls, and stays within 2 s of the host's
	awk '{ if ($2 < last || $2 - $5 > 2e9 || $5 - $2 > 2e9) exit 1; last = $2; n++ } END { exit n != 5 }' <<<"$1"
}

if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then
	machine=$("$built/example_vmm_pvclock" "$built/bare_guest.bin" 2>&1)
	ok "the bare guest reads the VMM's page: $(tail -n 1 <<<"$machine")" rises_and_keeps_up "$machine"
else
	skip "the bare guest reads the VMM's page" "no access to /dev/kvm"
fi
"$built/example_vmm_pvclock" "$tmp/none" >"$tmp/out" 2>&1
ok "a guest image that is not there is a clear error" grep -Eq "/none: No such file|/dev/kvm" "$tmp/out"

flat=$(cd "$KVT_SOURCE" && python3 tools/amalgamate.py "$tmp/kvmtime.h" "$tmp/kvmtime.c" include \
	src/core/*.c src/devices/*.c 2>&1 && cc -I../include -I"$KVT_SOURCE/include" -o "$tmp/page" \
	examples/kernel_page.c "$tmp/kvmtime.c" -I"$tmp" 2>&1)
is "an example builds against the one-file library as well" "$flat" ""
finish
