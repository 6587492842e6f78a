#!/usr/bin/env bash
# Definitions that libvirt keeps: libvirt:NAME read, shown, converted, mended and taken back, with a
# daemon of our own. The journal stands in a private /var/lib.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
. "${KVT_SOURCE:?}/tests/partners/libvirt.sh"

why=$(libvirt_missing)
[ -z "$why" ] || skip_all "$why"
[ -e "$KVT_BUILD/modules/kvmtime-libvirt.so" ] || skip_all "libvirt was not there at build time"
case $(ldd "$kvmtime") in
*libasan*) skip_all "the address sanitizer takes libtirpc's functions before libvirt brings that library" ;;
esac
work=$(mktemp -d /tmp/kvtXXXXXX)
trap 'libvirt_stop "$work/lv"; rm -rf "$work" "$tmp"' EXIT
libvirt_start "$work/lv" || skip_all "libvirtd does not start here"
export KVT_QEMU=8.2
virsh() { command virsh -q -c "$libvirt_uri" "$@"; }
ours() { "$kvmtime" "$@" --connect "$libvirt_uri"; }
status() { "$@" >/dev/null 2>&1; echo $?; }

define() { # name, what stands in <clock>
	cat >"$tmp/$1.xml" <<END
<domain type='qemu'>
  <name>$1</name>
  <memory unit='MiB'>64</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <clock offset='utc'>$2</clock>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <graphics type='vnc' port='-1' passwd='secret77'/>
  </devices>
</domain>
END
	virsh define "$tmp/$1.xml" >/dev/null
}
define alpha "<timer name='pit' tickpolicy='delay'/><timer name='rtc' tickpolicy='catchup' track='guest'/>"
define beta "<timer name='rtc' track='guest'/>"

like "vm show reads what libvirt keeps" "$(ours vm show libvirt:alpha)" "^alpha +libvirt, libvirt:alpha"
uuid=$(virsh domuuid alpha | tr -d ' \n')
like "a UUID names a domain, too" "$(ours vm show "libvirt:$uuid")" "^alpha "
like "vm convert takes it" "$(ours vm convert --to qemu libvirt:alpha 2>/dev/null)" "clock=vm,driftfix=slew"
is "--all is every domain, running or not" "$(ours vm show --all | grep -c 'judged for QEMU')" 2
is "libvirt: is the same, a line each" "$(ours check --summary libvirt: | cut -d: -f1,2 | head -n -1)" \
	"$(printf 'libvirt:alpha\nlibvirt:beta')"
like "check judges it" "$(ours check libvirt:alpha)" "KVT-0514"
is "findings are exit status 1" "$(status ours check libvirt:alpha)" 1
is "an unknown name is refused" "$(status ours check libvirt:gamma)" 3
like "and named" "$(ours vm show libvirt:gamma 2>&1)" "libvirt:gamma: Domain not found"
is "an unknown connection is refused" "$(status "$kvmtime" vm show libvirt:alpha --connect nonsense:///)" 3
is "what is only shown has no password" "$(ours vm convert --json --to libvirt libvirt:alpha | grep -c secret77)" 0

# fix: the journal needs a /var/lib of our own
if ! unshare -m true 2>/dev/null; then
	skip "fix and undo" "no private mount namespace"
	finish
	exit
fi
before=$(virsh dumpxml --inactive --security-info alpha)
like "fix shows the change" "$(ours fix KVT-0514 libvirt:alpha)" "^\+ +<timer name='rtc' tickpolicy='catchup' track='wall'/>"
is "and changes nothing" "$(virsh dumpxml --inactive --security-info alpha)" "$before"

export state=$tmp/state
mkdir "$state"
# shellcheck disable=SC2016 # for the inner shell
private() { unshare -m sh -c 'mount --bind "$state" /var/lib && exec "$@"' sh "$@"; }
journalled() { private "$kvmtime" "$@"; }
like "fix --apply redefines it" "$(journalled fix KVT-0514 libvirt:alpha --apply --connect "$libvirt_uri")" "Done as change 1"
after=$(virsh dumpxml --inactive --security-info alpha)
is "one word has changed" "$(diff <(echo "$before") <(echo "$after") | grep '^[<>]')" \
	"<     <timer name='rtc' tickpolicy='catchup' track='guest'/>
>     <timer name='rtc' tickpolicy='catchup' track='wall'/>"
like "the password is still there" "$after" "passwd='secret77'"
is "the finding is gone" "$(ours check --json libvirt:alpha | grep -c KVT-0514)" 0
like "the journal lists it" "$(journalled undo --list)" "libvirt:alpha"
like "undo redefines the old XML" "$(journalled undo)" "Change 1 is taken back"
is "which is byte for byte the same" "$(virsh dumpxml --inactive --security-info alpha)" "$before"

# several at once are one change
second=$(virsh dumpxml --inactive --security-info beta)
like "libvirt: mends every domain as one change" \
	"$(journalled fix KVT-0514 libvirt: --apply --connect "$libvirt_uri")" "Done as change 2"
like "the second one, too" "$(virsh dumpxml beta)" "name='rtc' track='wall'"
journalled undo -q
is "and one undo takes both back" "$(virsh dumpxml --inactive --security-info alpha; virsh dumpxml --inactive --security-info beta)" \
	"$before
$second"

# what somebody else edits stays
journalled fix KVT-0514 libvirt:alpha --apply -q --connect "$libvirt_uri"
virsh dumpxml --inactive alpha | sed 's/<vcpu[^>]*>1</<vcpu>2</' >"$tmp/edited.xml"
virsh define "$tmp/edited.xml" >/dev/null
like "an edit by somebody else is not taken back" "$(journalled undo 2>&1)" "changed by somebody else since"
like "and stays" "$(virsh dumpxml --inactive alpha)" "<vcpu[^>]*>2<"

# a domain that only runs has no definition
sed 's/alpha/gamma/' "$tmp/alpha.xml" >"$tmp/gamma.xml"
if virsh create "$tmp/gamma.xml" >/dev/null 2>&1; then
	like "a transient domain is not redefined" \
		"$(journalled fix KVT-0514 libvirt:gamma --apply --connect "$libvirt_uri" 2>&1)" "has no definition to change"
	virsh destroy gamma >/dev/null
	is "so it is gone with its end" "$(virsh list --all --name | grep -c gamma)" 0
else
	skip "a transient domain is not redefined" "no domain starts here"
fi
finish
