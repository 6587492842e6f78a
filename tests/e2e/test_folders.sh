#!/usr/bin/env bash
# Folders of definitions as targets, and check --summary.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"

export KVT_QEMU=8.2
definitions=$KVT_SOURCE/tests/e2e/definitions
status() { "$@" >/dev/null 2>&1; echo $?; }

# as a host keeps them: definitions, other XML, links to what is there anyway, a broken one
host=$tmp/qemu
mkdir -p "$host/autostart" "$host/networks" "$host/.git" "$tmp/elsewhere"
cp "$definitions/linux-good.xml" "$definitions/windows-bad.xml" "$host"
ln -s ../windows-bad.xml "$host/autostart/windows-bad.xml"
cp "$definitions/rhel5.xml" "$tmp/elsewhere"
ln -s "$tmp/elsewhere/rhel5.xml" "$host/linked.xml"
cp "$definitions/refused.xml" "$host/.git"
echo "<!-- a network --><network><name>default</name></network>" >"$host/networks/default.xml"
echo "no definition at all" >"$host/README"
mkfifo "$host/fifo"

is "each definition of a folder has a line, links to it have none" \
	"$("$kvmtime" check --summary "$host" | cut -d: -f1 | head -n -1)" \
	"$(printf '%s\n' "$host/linked.xml" "$host/linux-good.xml" "$host/windows-bad.xml")"
like "what is passed over is counted" "$("$kvmtime" check --summary "$host" | tail -n 1)" \
	"^3 judged: 3 with findings, 0 without; 2 other files passed over"
is "findings in a folder are exit status 1" "$(status "$kvmtime" check "$host")" 1
is "notes alone are not" "$(status "$kvmtime" check --fail-on critical "$tmp/elsewhere")" 0
is "without --summary each has its report" "$("$kvmtime" check "$host" | grep -c ": VM definition")" 3

echo "<domain type='kvm'><clock" >"$host/broken.xml"
like "the good files are still judged when one is bad" "$("$kvmtime" check --summary "$host" 2>/dev/null)" "windows-bad.xml: 1 critical"
like "the bad one is told with its line" "$("$kvmtime" check --summary "$host" 2>&1 >/dev/null)" "broken.xml:2: "
is "one bad file is exit status 4" "$(status "$kvmtime" check --summary "$host")" 4
is "so it is in the full report" "$(status "$kvmtime" check "$host")" 4
like "and the others have theirs" "$("$kvmtime" check "$host" 2>/dev/null)" "windows-bad.xml"
is "a folder without a definition is bad input" "$(status "$kvmtime" check --summary "$host/networks")" 4
is "and in the full report" "$(status "$kvmtime" check "$host/networks")" 4
is "a missing file is refused, the others are judged" \
	"$(status "$kvmtime" check --summary "$tmp/none" "$definitions/windows-good.xml")" 3
is "--summary of nothing is a usage error" "$(status "$kvmtime" check --summary)" 2
valid() { "$kvmtime" check --summary --json "$1" 2>/dev/null | /usr/bin/python3 "$KVT_SOURCE/tests/e2e/validate.py" kvmtime.summary.1; }
ok "the summary in JSON keeps its schema" valid "$host"
like "a definition from standard input has a line" \
	"$("$kvmtime" check --summary - <"$definitions/windows-good.xml")" "^standard input: nothing found"

# Proxmox: containers are no VMs
mkdir -p "$tmp/pve/qemu-server" "$tmp/pve/lxc"
cp "$definitions/linux.proxmox" "$tmp/pve/qemu-server/100.conf"
printf 'arch: amd64\nhostname: box\nostype: debian\nonboot: 1\nrootfs: local:101\n' >"$tmp/pve/lxc/101.conf"
is "a container's configuration is passed over" "$("$kvmtime" check --summary "$tmp/pve" | head -n -1 | cut -d: -f1)" \
	"$tmp/pve/qemu-server/100.conf"

# fix takes a folder as one change
mend=$tmp/mend
mkdir "$mend"
cp "$definitions/linux-2012.xml" "$mend/a.xml"
cp "$definitions/linux-2012.xml" "$mend/b.xml"
cp "$definitions/linux.proxmox" "$mend/100.conf"
echo "<domain type='kvm'><clock" >"$mend/broken.xml"
is "fix shows a diff for each definition of a folder" \
	"$("$kvmtime" fix KVT-0502 "$mend" 2>/dev/null | grep '^+++' | sort)" "$(printf '+++ b%s\n' "$mend/a.xml" "$mend/b.xml")"
like "fix tells the bad one, and mends the others" "$("$kvmtime" fix "$mend" 2>&1)" "broken.xml:2: "
is "and its exit status says so" "$(status "$kvmtime" fix "$mend")" 4
like "Proxmox's lines are by hand" "$("$kvmtime" fix "$mend" 2>/dev/null)" "by hand  qm set 100 --agent 1"
valid_fix() { "$kvmtime" fix --json "$mend" 2>/dev/null | /usr/bin/python3 "$KVT_SOURCE/tests/e2e/validate.py" kvmtime.fix.1; }
ok "fix in JSON keeps its schema" valid_fix
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
	cp -r "$mend" "$tmp/was"
	# shellcheck disable=SC2016 # for the inner shell
	unshare -m sh -c 'mount -t tmpfs tmpfs /var/lib && "$kvmtime" fix KVT-0502 "$0" --apply; cp -r "$0" "$0.applied"; "$kvmtime" undo' \
		"$mend" >"$tmp/log" 2>&1
	is "fix --apply mends every definition as one change" \
		"$(grep -c "tickpolicy='discard'" "$mend.applied/a.xml" "$mend.applied/b.xml" | sed 's/.*://' | tr '\n' ' ')" "1 1 "
	like "which one undo takes back" "$(cat "$tmp/log")" "Change 1 is taken back"
	ok "byte for byte" diff -r "$tmp/was" "$mend"
else
	skip "fix --apply of a folder" "needs root and a mount namespace"
fi

# the summary says what the report says, for every definition, log and record that the tests have
same() {
	/usr/bin/python3 - "$kvmtime" "$@" <<'END'
import json, subprocess, sys
kvmtime, files = sys.argv[1], sys.argv[2:]
run = subprocess.run([kvmtime, 'check', '--summary', '--json'] + files, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
lines = {d['target']: d for d in map(json.loads, run.stdout.splitlines())}
bad = 0
for path in files:
    one = subprocess.run([kvmtime, 'check', '--json', path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if not one.stdout:
        if lines[path]['error'] is None:
            bad += 1
            print('%s: the report fails' % path)
        continue
    full = json.loads(one.stdout)
    want = [f['id'] for f in full['findings']], full['counts']['undecided']
    got = [f['id'] for f in lines[path]['findings']], lines[path]['undecided']
    if want != got:
        bad += 1
        print('%s: report %s, summary %s' % (path, want, got))
sys.exit(bad > 0)
END
}
ok "the summary finds what the report finds, in every recorded definition" \
	same "$host/broken.xml" "$definitions"/[!E]*
/usr/bin/python3 "$KVT_SOURCE/bench/definitions.py" "$tmp/many" 40
ok "and in generated ones" same "$tmp"/many/*.xml

# threads: the order and the text are those of one thread; memory does not grow with the number
/usr/bin/python3 "$KVT_SOURCE/bench/definitions.py" "$tmp/fleet" 2000
"$kvmtime" check --summary "$tmp/fleet" >"$tmp/all"
if command -v taskset >/dev/null; then
	taskset -c "$(taskset -cp $$ | sed 's/.*: *//; s/[,-].*//')" "$kvmtime" check --summary "$tmp/fleet" >"$tmp/one"
	ok "many threads print what one prints" cmp "$tmp/all" "$tmp/one"
else
	skip "many threads print what one prints" "taskset is not installed"
fi
is "every file has its line, in order" "$(cut -d: -f1 "$tmp/all" | head -n -1)" "$(find "$tmp/fleet" -type f | sort)"
peak() { # KiB that a command needs at most
	/usr/bin/python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$@"
}
small=$(peak "$kvmtime" check --summary "$tmp/many")
large=$(peak "$kvmtime" check --summary "$tmp/fleet")
case $(ldd "$kvmtime") in
*libasan*) skip "2000 files need no more memory than 40" "built with a sanitizer, which keeps what was freed" ;;
*) ok "2000 files need no more memory than 40 ($large and $small KiB)" [ "$large" -le $((small + 6144)) ] ;;
esac
finish
