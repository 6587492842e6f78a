#!/usr/bin/env bash
# Sosreports, archives and compressed logs as targets; several machines joined; bad input.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
[ -e "$KVT_BUILD/modules/kvmtime-archive.so" ] || skip_all "libarchive was not there at build time"
sosreports=$KVT_SOURCE/data/sosreports
machines=$KVT_SOURCE/data/machines
python=/usr/bin/python3
mkdir "$tmp/empty" "$tmp/in"
export TMPDIR=$tmp/empty
cd "$tmp/in" || exit 1

status_of() { "$@" >"$tmp/out" 2>"$tmp/err"; echo $?; }
# "target-machine: ids" of each document
found() { "$kvmtime" check --json "$@" 2>"$tmp/err" | $python -c '
import json, sys
decoder, text = json.JSONDecoder(), sys.stdin.read()
while text.strip():
    document, end = decoder.raw_decode(text.lstrip())
    text = text.lstrip()[end:]
    print(" ".join(sorted(f["id"] for f in document["findings"])) or "none")'; }
pack() { # sosreport: as sos packs it, one folder at the top
	tar -C "$sosreports/$1" --transform "s,^\.,sosreport-$1-2026-11-20-abc," -cf "$1.tar" .
}

# ---- sosreports ----

sos_case() { # name, ids of each set
	is "$1 gives its findings" "$(found "$sosreports/$1" | tr '\n' '|')" "$2|"
	pack "$1"
	xz -k "$1.tar"
	is "$1, packed, gives the same" "$(found "$1.tar.xz" | tr '\n' '|')" "$2|"
}
sos_case rhel6-guest 'KVT-0201 KVT-0208 KVT-0212 KVT-0213 KVT-0304 KVT-0305 KVT-0406'
sos_case rhel7-guest-cleaned \
	'KVT-0203 KVT-0210 KVT-0215 KVT-0303 KVT-0305 KVT-0313 KVT-0410 KVT-0411'
sos_case rhel8-guest none
sos_case rhel9-guest 'KVT-0210 KVT-0216 KVT-0225'
sos_case rhel9-host 'KVT-0101 KVT-0119 KVT-0416|KVT-0502|KVT-0502 KVT-0515'
sos_case debian12-guest 'KVT-0301 KVT-0402'
sos_case ubuntu2204-host-cleaned 'KVT-0116 KVT-0302|KVT-0502 KVT-0515'
for kind in gzip bzip2 zstd; do
	command -v $kind >/dev/null || {
		skip "a sosreport packed by $kind" "$kind is not installed"
		continue
	}
	is "a sosreport packed by $kind gives the same" \
		"$($kind <rhel9-guest.tar >sos.$kind && found sos.$kind)" "$(found rhel9-guest.tar)"
done
"$kvmtime" check "$sosreports/rhel9-guest" >report
like "it is judged at the time of its collection" "$(tr '\n' ' ' <report)" \
	'Collected at +Fri Nov 20 00:47:48 UTC 2026'
like "evidence names the command's output" "$("$kvmtime" check --facts "$sosreports/rhel9-guest")" \
	'ntp.daemon_offset_s +25932.4 s +/sos_commands/chrony/chronyc_tracking'
like "a rotated, compressed log gives the boot" \
	"$("$kvmtime" check --facts "$sosreports/rhel6-guest")" \
	'log.unstable_kept +tsc +/var/log/messages-20261115.gz and 1 newer:5:'
grep '^(echo kvmtime-record' report >line
is "what is missing is one shell line" "$(wc -l <line)" 1
sh -c "$(sed 's/>missing.record$//' line)" >missing.record 2>/dev/null
ok "that line writes a record" sh -c "'$kvmtime' check -q missing.record; test \$? -le 1"
ok "and shellcheck has nothing against it" sh -c \
	"command -v shellcheck >/dev/null || exit 0; shellcheck -s sh -e SC2086,SC2046,SC2009,SC2012 line"
if echo '{}' | $python -c 'import jsonschema' 2>/dev/null; then
	"$kvmtime" check --json rhel9-guest.tar >json
	ok "the document of a sosreport matches the schema" sh -c \
		"$python '$KVT_SOURCE/tests/e2e/validate.py' kvmtime.check.1 <json"
else
	skip "the document of a sosreport matches the schema" "python3-jsonschema is not installed"
fi

# ---- host and guest joined ----

chain() { "$kvmtime" check "$@" 2>&1 | tr -s '\n ' ' '; }
is "a guest finds its definition and its host by UUID" \
	"$(found rhel9-host.tar.xz rhel9-guest.tar.xz | sed -n '3p')" \
	'KVT-0101 KVT-0119 KVT-0210 KVT-0216 KVT-0225 KVT-0416 KVT-0502 KVT-0510 KVT-0515 KVT-0605'
like "the chain begins with the host's boot line and ends in the guest" \
	"$(chain "$sosreports/rhel9-host" "$sosreports/rhel9-guest")" \
	'KVT-0416 .*then .*high: The host reads time from hpet.* \(KVT-0101\).*medium: The guest reads time from kvm-clock under a host without a master clock \(KVT-0605\)'
is "by its name where there is no UUID; cleaned or not" \
	"$(found "$sosreports/debian12-guest" "$sosreports/ubuntu2204-host-cleaned" | head -1)" \
	'KVT-0116 KVT-0301 KVT-0402 KVT-0502 KVT-0510 KVT-0515'
is "a guest of another host stays alone" \
	"$(found "$sosreports/rhel8-guest" "$sosreports/rhel9-host" | head -1)" none
like "host on hpet -> no master clock -> no stable bit -> slow clock reads" \
	"$(chain --host "$machines/host-hpet.record" "$machines/guest-slow-reads.record")" \
	'KVT-0416 .*then .*\(KVT-0101\).*no master clock.*\(KVT-0207\).*system call, though.*\(KVT-0316\)'
like "behind since a pause + steps used up" "$(chain "$machines/guest-paused.record")" \
	'1 HIGH CPUs of this guest stood still.*KVT-0216 .*would only slew: 1.0 3 \(KVT-0210\).*high: The clock is 25932.4 s behind NTP \(KVT-0225\)'
for machine in guest-boot-words guest-paused host-rt-refused; do
	ok "the report on $machine is a page" \
		test "$("$kvmtime" check "$machines/$machine.record" | wc -l)" -le 66
done

# ---- archives ----

cp "$machines/guest-hpet.record" "$machines/host-good.record" .
cp "$KVT_SOURCE/tests/e2e/definitions/linux-2012.xml" .
echo "nothing" >README
tar -cJf some.tar.xz guest-hpet.record host-good.record linux-2012.xml README
is "records and definitions in an archive are each judged" "$(found some.tar.xz | tr '\n' '|')" \
	"KVT-0201 KVT-0204|none|$(found linux-2012.xml)|"
$python -c '
import zipfile
with zipfile.ZipFile("some.zip", "w", zipfile.ZIP_DEFLATED) as z:
    for name in ("guest-hpet.record", "rhel9-guest.tar.xz"):
        z.write(name)'
is "a zip with a record and a packed sosreport too" "$(found some.zip | tr '\n' '|')" \
	"KVT-0201 KVT-0204|KVT-0210 KVT-0216 KVT-0225|"
gzip -c guest-hpet.record >wrong.xml
is "a wrong ending does not matter" "$(found wrong.xml)" 'KVT-0201 KVT-0204'
is "standard input may be packed" "$(found - <some.zip | head -1)" 'KVT-0201 KVT-0204'

# ---- logs ----

dmesg='[    0.000000] Linux version 6.1.0 (x) #1
[    0.000000] Hypervisor detected: KVM
[    5.000000] clocksource: timekeeping watchdog on CPU3: Marking clocksource '\''tsc'\'' as unstable because the skew is too large:
[    5.100000] clocksource: Switched to clocksource hpet'
printf '%s\n' "$dmesg" >plain.log
want=$(found plain.log)
for kind in gzip bzip2 xz zstd; do
	command -v $kind >/dev/null || {
		skip "a log packed by $kind" "$kind is not installed"
		continue
	}
	is "a log packed by $kind is read" "$($kind <plain.log >log.$kind && found log.$kind)" "$want"
done
sed -e 's/\[ *[0-9.]*\]/[Fri Nov 20 09:00:00 2026]/' plain.log >human.log
is "dmesg -T is read" "$(found human.log)" "$want"
$python - plain.log <<'EOF'
import json, sys
export, lines, pretty = [], [], []
for n, line in enumerate(open(sys.argv[1])):
    message = line.split('] ', 1)[1].rstrip('\n')
    record = {'__CURSOR': 's=1', '__REALTIME_TIMESTAMP': str(1763629200000000 + n), '_HOSTNAME': 'web1',
              '_TRANSPORT': 'kernel', 'SYSLOG_IDENTIFIER': 'kernel', 'PRIORITY': '4',
              'MESSAGE': list(message.encode()) if n == 1 else message}
    lines.append(json.dumps(record))
    pretty.append(json.dumps(record, indent=8))
    export.append('\n'.join('%s=%s' % (k, message if k == 'MESSAGE' else v) for k, v in record.items()) + '\n')
open('journal.json', 'w').write('\n'.join(lines) + '\n')
open('journal.pretty', 'w').write('\n'.join(pretty) + '\n')
open('journal.export', 'w').write('\n'.join(export))
EOF
for kind in json pretty export; do
	is "journalctl -o $kind is read" "$(found journal.$kind)" "$want"
	is "and compressed too" "$(gzip -c journal.$kind | found -)" "$want"
done
mkdir -p root/etc root/var/log
cp "$machines/../sosreports/rhel9-guest/etc/os-release" root/etc/
echo 'Nov 20 10:00:00 web1 kernel: something else' >root/var/log/messages
sed 's/^\[[^]]*\]/Nov 19 10:00:00 web1 kernel:/' plain.log | xz >root/var/log/messages-20261119.xz
like "rotated logs of an image reach back to the boot" "$("$kvmtime" check --facts root)" \
	'log.clocksource_unstable +tsc +/var/log/messages-20261119.xz and 1 newer:3'

# ---- bad input: object, reason, exit status ----

bad() { # fact, file, regular expression
	is "$1: exit status 4" "$(status_of "$kvmtime" check "$2")" 4
	like "$1: says so" "$(cat "$tmp/err")" "$3"
}
make() { $python "$KVT_SOURCE/tests/e2e/hostile_archives.py" "$1" >"$1"; }
for name in absolute.tar climbs.tar hard.tar link.tar device.tar fifo.tar bomb.tar.gz nested.tar members.tar.gz \
	deep.tar sparse.tar garbage password.zip; do
	make $name
done
bad "a member with an absolute name" absolute.tar 'absolute.tar: refused: member /etc/passwd: its name is absolute'
bad "a member that climbs" climbs.tar 'climbs.tar: refused: member x/\.\./\.\./etc/os-release: its name climbs out'
bad "a hard link that climbs" hard.tar 'hard.tar: refused: member \.\./\.\./etc/shadow: its name climbs out'
bad "a symbolic link out of the machine" link.tar 'link.tar: refused: member sos/etc/os-release is a symbolic link out of its machine'
bad "a device in the place of a file" device.tar 'device.tar: refused: member sos/proc/cpuinfo is a device'
bad "a pipe in the place of a file" fifo.tar 'fifo.tar: refused: member sos/proc/cmdline is a device, a pipe'
bad "an archive bomb" bomb.tar.gz 'bomb.tar.gz: refused: packed more than 1000 to 1'
bad "archives three deep" nested.tar 'refused: an archive in an archive in an archive'
bad "a quarter of a million members" members.tar.gz 'refused: more members'
bad "a name of a hundred steps" deep.tar 'more than 64 steps'
bad "garbage" garbage 'garbage: none of:'
bad "a zip with a password" password.zip 'password.zip: is protected by a password'
is "a sparse file of a terabyte costs nothing" "$(status_of "$kvmtime" check -q sparse.tar)" 0
head -c 1500 rhel9-host.tar.xz >cut.tar.xz
bad "a truncated xz" cut.tar.xz 'cut.tar.xz: is cut off'
gzip -c rhel9-host.tar | head -c 1500 >cut.tar.gz
bad "a truncated gzip" cut.tar.gz 'cut.tar.gz: is cut off'
head -c 20000 rhel9-host.tar >cut.tar
bad "a truncated tar" cut.tar 'cut.tar: is cut off'
gzip -c plain.log | head -c 60 >cut.log.gz
bad "a truncated log" cut.log.gz 'cut.log.gz: is cut off'
tar -cf none.tar README
bad "an archive with nothing to look at" none.tar 'none of the 1 files in it is a record'
mkfifo pipe
bad "a pipe as target" pipe 'pipe: neither a file nor a folder'
bad "a device as target" /dev/zero '/dev/zero: neither a file nor a folder'
ln -s ring ring
is "a ring of links as target is refused" "$(status_of "$kvmtime" check ring)" 3
mkdir -p loop/sos_commands/kernel loop/proc loop/etc
ln -s ../../loop loop/sos_commands/kernel/dmesg
ln -s cmdline loop/proc/cmdline
ln -s .. loop/etc/chrony
is "rings of links in a sosreport are only unknown" "$(status_of "$kvmtime" check -q loop)" 0
is "of a good and a bad one the good one is judged" \
	"$(status_of "$kvmtime" check cut.tar guest-hpet.record; grep -c KVT-0204 "$tmp/out")" "4
1"

# ---- without the module ----

mkdir -p alone/build
cp "$kvmtime" alone/build/
is "without the module it is refused" \
	"$(KVT_DATA=$KVT_SOURCE/data KVT_MODULES=$tmp/none status_of alone/build/kvmtime check log.gzip)" 3
like "and the package is named" "$(cat "$tmp/err")" 'log.gzip is packed: .*install the package kvmtime-archive'

# ---- nothing is left behind ----

make slow.tar.gz
for signal in INT TERM; do
	"$kvmtime" check -q slow.tar.gz >/dev/null 2>&1 &
	pid=$!
	# until it has begun to unpack: it has read far into its own memory
	for _ in $(seq 200); do
		[ "$(awk '/VmRSS/ { print $2 }' /proc/$pid/status 2>/dev/null || echo 0)" -gt 20000 ] && break
		[ -d /proc/$pid ] || break
	done
	kill -$signal $pid 2>/dev/null
	wait $pid 2>/dev/null
	is "nothing is left in TMPDIR after SIG$signal" "$(ls -A "$TMPDIR")" ""
done
is "nor after all of this" "$(ls -A "$TMPDIR")" ""
finish
