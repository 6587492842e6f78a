#!/usr/bin/env bash
# kvmtime vm as a process: verdicts, exit status, JSON.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"

cat >"$tmp/good.xml" <<'END'
<domain type='kvm'>
  <name>web1</name>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <clock offset='utc'>
    <timer name='pit' tickpolicy='delay'/>
    <timer name='rtc' tickpolicy='catchup'/>
  </clock>
  <devices/>
</domain>
END
sed 's/catchup/merge/' "$tmp/good.xml" >"$tmp/refused.xml"
sed "s/'rtc'/'sundial'/" "$tmp/good.xml" >"$tmp/invalid.xml"
echo "<domain>" >"$tmp/broken.xml"

valid() { "$kvmtime" vm "$@" --json 2>/dev/null | /usr/bin/python3 "$KVT_SOURCE/tests/e2e/validate.py" kvmtime.vm.1; }
status() { "$@" >/dev/null 2>&1; echo $?; }

like "pit delay is re-injection today" "$("$kvmtime" vm show --qemu 7.2 "$tmp/good.xml")" "pit.policy +reinject"
like "pit delay was no re-injection in 2012" "$("$kvmtime" vm show --qemu 1.0 "$tmp/good.xml")" "pit.policy +discard"
ok "show in JSON keeps its schema" valid show "$tmp/good.xml"
ok "convert in JSON keeps its schema" valid convert --to qemu "$tmp/good.xml"
ok "convert of a refused definition in JSON keeps its schema" valid convert --to qemu "$tmp/refused.xml"
like "an unknown timer is named with its line" \
	"$("$kvmtime" vm convert --to qemu "$tmp/invalid.xml" 2>&1)" "invalid.xml:6: .*sundial"
is "an unknown timer is bad input" "$(status "$kvmtime" vm show "$tmp/invalid.xml")" 4
is "a refused policy is not converted" "$("$kvmtime" vm convert --to qemu "$tmp/refused.xml" 2>/dev/null)" ""
is "broken XML is bad input" "$(status "$kvmtime" vm show "$tmp/broken.xml")" 4
is "a missing file is refused by the system" "$(status "$kvmtime" vm show "$tmp/none.xml")" 3
is "of several files the worst counts" "$(status "$kvmtime" vm show "$tmp/good.xml" "$tmp/none.xml" "$tmp/broken.xml")" 4
like "the good file of several is still shown" "$("$kvmtime" vm show "$tmp/broken.xml" "$tmp/good.xml" 2>/dev/null)" "^web1"
is "no file is a usage error" "$(status "$kvmtime" vm show)" 2
is "an unknown format is a usage error" "$(status "$kvmtime" vm convert --to vmx "$tmp/good.xml")" 2
is "a format that is read alone cannot be written" "$(status "$kvmtime" vm convert --to firecracker "$tmp/good.xml")" 2
like "standard input is read" "$(echo 'kvm -no-kvm-pit-reinjection' | "$kvmtime" vm convert --to libvirt - 2>/dev/null)" \
	"name='pit' tickpolicy='discard'"

# Launchpad bug 1011848, as it stands there: what it meant in 2012, what it does today, what to write
cat >"$tmp/bug.xml" <<'END'
      <clock offset='utc'>
        <timer name='pit' tickpolicy='delay'/>
        <timer name='rtc' tickpolicy='catchup'/>
      </clock>
END
cat >"$tmp/bug.args" <<'END'
      -no-kvm-pit-reinjection
      -rtc base=utc,driftfix=slew
END
show() { "$kvmtime" vm show --qemu "$@" | tr -s ' \n' ' '; }
report() { KVT_QEMU=7.2 "$kvmtime" check "$@" | tr -s ' \n' ' '; }
like "the bug's XML in 2012: no re-injection, by the option that it names" "$(show 1.0 "$tmp/bug.xml")" \
	"pit.policy discard libvirt of that time made -no-kvm-pit-reinjection"
like "the bug's XML today: re-injection" "$(show 7.2 "$tmp/bug.xml")" "pit.policy reinject"
like "its RTC line still does what it did" "$(show 7.2 "$tmp/bug.xml")" "rtc.policy slew"
like "the report says what it meant" "$(report "$tmp/bug.xml")" "In 2012 libvirt made -no-kvm-pit-reinjection of this word"
like "the report says what it does" "$(report "$tmp/bug.xml")" "Today it becomes kvm-pit.lost_tick_policy=delay"
like "the report says what to write" "$(report "$tmp/bug.xml")" "do <timer name='pit' tickpolicy='discard'/>"
like "fix writes it" "$("$kvmtime" fix "$tmp/bug.xml")" "^\+ +<timer name='pit' tickpolicy='discard'/>"
like "the bug's command, two lines as they are quoted, in 2012" "$(show 1.0 "$tmp/bug.args")" \
	"rtc.policy slew .* pit.policy discard"
like "the report says that QEMU refuses it today" "$(report "$tmp/bug.args")" "CRITICAL QEMU 7.2 does not know these options: .*-no-kvm-pit-reinjection"
like "what it meant, since when it is gone, what is written today" "$(show 7.2 "$tmp/bug.args")" \
	"gone -no-kvm-pit-reinjection meant: KVM's PIT drops .* since 3.0; today: -global kvm-pit.lost_tick_policy=discard"
is "convert writes it for today" "$("$kvmtime" vm convert --to qemu --qemu 7.2 "$tmp/bug.args" 2>/dev/null)" \
	"qemu-system-x86_64 -machine accel=kvm -rtc base=utc,driftfix=slew -global kvm-pit.lost_tick_policy=discard"
ok "show of options of old in JSON keeps its schema" valid show "$tmp/bug.args"

# a file of arguments, one a line
printf '%s\n' /usr/bin/qemu-system-x86_64 -m 1024 -rtc base=localtime,driftfix=slew >"$tmp/argv"
like "a word a line is a command line, too" "$("$kvmtime" vm show "$tmp/argv")" "clock.offset +localtime +line 4"
printf 'qemu-system-x86_64 -m 64\nls -rtc base=localtime\n' >"$tmp/script"
is "the next command of a script is none of its words" "$("$kvmtime" vm show "$tmp/script" | grep -c clock.offset)" 0

# policy
ok "policy in JSON keeps its schema" valid policy --os windows
like "policy gives a reason for each line" "$("$kvmtime" vm policy --os rhel5.3)" "counts PIT ticks"
like "peers stand side by side" "$("$kvmtime" vm policy --os win10 --peers)" "nova +localtime +catchup +delay"
for format in libvirt qemu xl proxmox kubevirt nova; do
	ok "policy is said as $format" "$kvmtime" vm policy --os linux --format $format
done
if [ -e "$KVT_BUILD/modules/kvmtime-osinfo.so" ] && command -v osinfo-query >/dev/null; then
	"$kvmtime" vm policy --os all | awk '{ print $1 }' | sort -u >"$tmp/ours"
	osinfo-query os --fields=short-id | sed '1,2d; s/^ *//; s/ *$//; s/ .*//; /^$/d' | sort -u >"$tmp/theirs"
	is "policy answers for every system of osinfo-db" "$(comm -13 "$tmp/ours" "$tmp/theirs" | head -n 3)" ""
	is "an unknown system is a usage error" "$(status "$kvmtime" vm policy --os 'no such system')" 2
else
	skip "policy answers for every system of osinfo-db" "libosinfo or osinfo-query is not installed"
fi

# fix --apply and undo, with a journal of our own below a private /var/lib
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
	cp "$tmp/good.xml" "$tmp/mended.xml"
	unshare -m sh -c 'mount -t tmpfs tmpfs /var/lib && "$kvmtime" fix KVT-0502 "$0" --apply -q; cp "$0" "$0.applied"; "$kvmtime" undo -q' \
		"$tmp/mended.xml" >/dev/null 2>&1
	is "fix --apply changes one word of the XML" \
		"$(diff "$tmp/good.xml" "$tmp/mended.xml.applied" | grep -c '^[<>]')" 2
	like "the word is the effective one" "$(cat "$tmp/mended.xml.applied")" "name='pit' tickpolicy='discard'"
	ok "undo brings every byte back" cmp "$tmp/good.xml" "$tmp/mended.xml"
else
	skip "fix --apply and undo of an XML" "needs root and a mount namespace"
fi
like "fix shows qm lines for Proxmox" "$(KVT_QEMU=8.2 "$kvmtime" fix "$KVT_SOURCE/tests/e2e/definitions/linux.proxmox")" \
	"by hand  qm set VMID --agent 1"
finish
