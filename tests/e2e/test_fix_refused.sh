#!/usr/bin/env bash
# What fix and undo cannot or must not do: a clear sentence, an exit status, nothing changed. Then
# the scripts, run for real: they do what --apply does, and a second time nothing.
# shellcheck source-path=SCRIPTDIR disable=SC2016,SC2010
. "${KVT_SOURCE:?}/tests/e2e/tap.sh" || exit 1
export TZ=UTC
ls "$KVT_BUILD"/modules/kvmtime-fix.so >/dev/null 2>&1 || skip_all "kvmtime-fix is not built: no Augeas"
. "$KVT_SOURCE/tests/e2e/fix_tree.sh"

tree=$tmp/tree
guest "$tree" 5.14.0-362.el9.x86_64 "notsc"
echo "611 chronyd chronyd" | put "$tree/kvmtime/processes"
put "$tree/boot/loader/entries/1.conf" <<<"options ro notsc"
printf 'server a\nmakestep 1 3\n' | put "$tree/etc/chrony.conf"
before=$(manifest "$tree")

refused() { # fact, exit status, pattern, command...
	local fact=$1 want=$2 pattern=$3 out status
	shift 3
	out=$("$@" 2>&1)
	status=$?
	is "$fact: exit status" "$status" "$want"
	like "$fact: said" "$out" "$pattern"
	is "$fact: nothing is changed" "$(manifest "$tree")" "$before"
}

# ---- ids ----

refused "an unknown id" 2 'no rule KVT-9999' "$kvmtime" fix --apply KVT-9999 "$tree"
refused "an id that is not found here" 0 'KVT-0401  is not found here: wants guest cmdline.emergency = yes, here no' \
	"$kvmtime" fix --apply KVT-0401 "$tree"
refused "an id of another role" 0 'KVT-0101  is not found here: is for a host' "$kvmtime" fix --apply KVT-0101 "$tree"
refused "an id that cannot be decided" 0 'KVT-0216  cannot be decided here: ' "$kvmtime" fix --apply KVT-0216 "$tree"
printf 'release 5.14.0-362.el9.x86_64\nmachine x86_64\n' | put "$tree/kvmtime/uname"
echo "400 qemu-ga qemu-ga" >>"$tree/kvmtime/processes"
printf '[    1.0] watchdog: BUG: soft lockup - CPU#0 stuck for 23s! [swapper:1]\n' | put "$tree/kvmtime/log"
before=$(manifest "$tree")
refused "a finding without a remedy" 0 'by hand +My VM logs soft lockups' "$kvmtime" fix --apply KVT-0216 "$tree"
refused "a folder that is no machine" 4 'neither|none of|no definition|nothing' "$kvmtime" fix --apply "$tmp/tree/boot"

# ---- the journal ----

mkdir -p "$tree/var/lib/kvmtime/undo"
exec 9>"$tree/var/lib/kvmtime/undo/lock"
flock -n 9
refused "two at once" 3 'another kvmtime is at work' "$kvmtime" fix --apply "$tree"
refused "undo beside fix" 3 'another kvmtime is at work' "$kvmtime" undo "$tree"
exec 9>&-
refused "undo of nothing" 4 'nothing to take back' "$kvmtime" undo "$tree"
refused "undo of no such change" 4 'no change of that number' "$kvmtime" undo 7 "$tree"
rm -r "${tree:?}/var"
put "$tree/var/lib/kvmtime" <<<"a file where the journal should be"
refused "a journal that cannot be made" 3 '/var/lib/kvmtime' "$kvmtime" fix --apply "$tree"
rm -r "${tree:?}/var"

if [ "$(id -u)" = 0 ]; then
	chmod 755 "$tmp"
	refused "without root" 3 'Permission denied' setpriv --reuid 65534 --clear-groups "$kvmtime" fix --apply "$tree"
else
	skip "without root: exit status" "not root"
fi
if [ "$(id -u)" = 0 ] && unshare -m mount -t tmpfs none /mnt 2>/dev/null; then
	refused "a read-only tree" 3 'Read-only file system' unshare -m sh -c \
		'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && "$0" fix --apply "$1"' "$kvmtime" "$tree"
	# a disk of its own, so full that the journal's copies fit or do not, page by page
	for free in 0 4 8 12 16 20 24; do
		out=$(unshare -m sh -c '
			mount -t tmpfs -o size=256k none /mnt && cp -a "$1/." /mnt &&
			mkdir -p /mnt/var/lib/kvmtime/undo &&
			dd if=/dev/zero of=/mnt/fill bs=4k 2>/dev/null
			truncate -s "$(($(stat -c %s /mnt/fill) - $2 * 1024))" /mnt/fill
			"$0" fix --apply /mnt >/mnt/../tmp/said.$$ 2>&1; echo "status $?"; cat /mnt/../tmp/said.$$; rm /mnt/../tmp/said.$$
			rm /mnt/fill; diff -r "$1" /mnt -x var; find /mnt -name ".*.kvmtime"' "$kvmtime" "$tree" "$free")
		case $out in
		*"status 0"*) [ "$free" -gt 0 ] && like "a disk with $free KB left: done" "$out" 'Done as change' ;;
		*)
			like "a disk with $free KB left: said" "$out" 'No space left on device'
			is "a disk with $free KB left: nothing is changed" "$(grep -c '^[<>]\|^Only\|[.]kvmtime$' <<<"$out")" 0
			;;
		esac
	done
else
	skip "a read-only tree: exit status" "no root, or no mount namespace"
fi

# ---- undo of what somebody changed since ----

"$kvmtime" fix --apply "$tree" >/dev/null
echo "# by hand" >>"$tree/etc/chrony.conf"
before=$(manifest "$tree")
refused "undo of a file that was edited since" 4 '/etc/chrony.conf: was changed by somebody else since' "$kvmtime" undo "$tree"
sed -i '$d' "$tree/etc/chrony.conf"
"$kvmtime" undo -q "$tree"
is "and when it is as it was left, undo goes" $? 0

# ---- a clock source under running VMs ----

if [ -w /dev/kvm ] && command -v qemu-system-x86_64 >/dev/null; then
	mkdir -p "$tmp/data/rules" "$tmp/data/messages"
	cp "$KVT_SOURCE/data/messages/10-kernel-clock.messages" "$tmp/data/messages"
	other=$(tr ' ' '\n' </sys/devices/system/clocksource/clocksource0/available_clocksource |
		grep -vx "$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)" | grep -v '^$' | head -1)
	printf '[KVT-9001]\ntitle = t\nscope = machine\nmachine.kernel.release not absent\nseverity = high\nwhy = w\nwho = guest\nfix = use-clocksource %s\nsource = s\nchecked = c\n' \
		"$other" >"$tmp/data/rules/10-test.rules"
	qemu-system-x86_64 -accel kvm -S -nodefaults -display none -m 16 -name guest=kept,debug-threads=on >/dev/null 2>&1 &
	vm=$!
	for _ in $(seq 100); do
		ls -l /proc/$vm/fd 2>/dev/null | grep -q kvm-vm && break
		sleep 0.1
	done
	if [ -n "$other" ] && ls -l /proc/$vm/fd 2>/dev/null | grep -q kvm-vm; then
		like "a clock source is not switched under a VM, which is named" \
			"$(KVT_DATA=$tmp/data "$kvmtime" fix KVT-9001)" 'VMs run here.*kept [(].*--despite-vms does it'
		like "with its own option the switch is planned" \
			"$(KVT_DATA=$tmp/data "$kvmtime" fix --despite-vms KVT-9001)" "^switch .*-> $other"
	else
		skip "a clock source is not switched under a VM, which is named" "no second source, or the VM does not start"
	fi
	kill $vm && wait $vm 2>/dev/null
else
	skip "a clock source is not switched under a VM, which is named" "no /dev/kvm or QEMU"
fi

# ---- scripts that run ----

dress "$tree"
cp -a "$tree" "$tmp/applied"
"$kvmtime" fix --apply "$tmp/applied" >/dev/null
written() { (cd "$1" && cat boot/loader/entries/1.conf etc/chrony.conf && stat -c '%n %a %u:%g' boot/loader/entries/1.conf etc/chrony.conf); }

cp -a "$tree" "$tmp/by-shell"
"$kvmtime" fix --script shell "$tmp/by-shell" >"$tmp/plan.sh"
ok "the script passes shellcheck" shellcheck "$tmp/plan.sh"
moved() { sed "s#\([ '\">]\)/\(etc\|boot\)/#\1$1/\2/#g"; } # the plan's paths, in a tree
moved "$tmp/by-shell" <"$tmp/plan.sh" >"$tmp/moved.sh"
ok "the script runs" sh "$tmp/moved.sh"
is "and writes what --apply writes" "$(written "$tmp/by-shell")" "$(written "$tmp/applied")"

if command -v ansible-playbook >/dev/null; then
	cp -a "$tree" "$tmp/by-play"
	"$kvmtime" fix --script ansible "$tmp/by-play" | moved "$tmp/by-play" >"$tmp/plan.yml"
	play() {
		HOME=$tmp ANSIBLE_LOCALHOST_WARNING=false ansible-playbook -i localhost, -c local \
			-e ansible_become=false -e ansible_python_interpreter=/usr/bin/python3 "$@" "$tmp/plan.yml" 2>&1
	}
	like "the playbook passes its syntax check" "$(play --syntax-check)" '^playbook: '
	like "the playbook runs" "$(play)" 'changed=2 .*failed=0'
	is "and writes what --apply writes" "$(written "$tmp/by-play")" "$(written "$tmp/applied")"
	like "a second run changes nothing" "$(play)" 'changed=0 .*failed=0'
	echo "# by hand" >>"$tmp/by-play/etc/chrony.conf"
	like "a file that changed since stops it" "$(play)" 'failed=1'
else
	skip "the playbook passes its syntax check" "ansible-core is not installed"
fi
finish
