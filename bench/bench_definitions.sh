#!/usr/bin/env bash
# check --summary of 10,000 domain files of 4-8 KB in one call, beside xmllint --noout of the same.
# Limits: 1.5 times xmllint on one core, less than xmllint with 2 cores, and memory that does not
# grow with the number of files. Wall time and CPU time are the least of five rounds.
set -eu
cd "$(dirname "$0")/.."
kvmtime=$PWD/build/kvmtime
files=10000
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
command -v xmllint >/dev/null || { echo "definitions: xmllint (libxml2-utils) is not installed"; exit 0; }
/usr/bin/python3 bench/definitions.py "$folder/all" "$files"
mkdir "$folder/few"
cp "$folder"/all/vm0000?.xml "$folder/few"
/usr/bin/python3 - "$kvmtime" "$folder" <<'END'
import glob, os, subprocess, sys, time

kvmtime, folder = sys.argv[1:]
names = sorted(os.path.basename(p) for p in glob.glob(folder + '/all/*.xml'))
few = sorted(os.path.basename(p) for p in glob.glob(folder + '/few/*.xml'))
cpus = sorted(os.sched_getaffinity(0))


def run(command, cores, where='all'):
    """wall s, CPU s, peak KiB"""
    start = time.monotonic()
    with open(os.devnull, 'w') as null:
        child = subprocess.Popen(['taskset', '-c', ','.join(map(str, cpus[:cores]))] + command,
                                 cwd=os.path.join(folder, where), stdout=null)
        _, _, usage = os.wait4(child.pid, 0)
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


rows = [('xmllint --noout', ['xmllint', '--noout'] + names, 1, None),
        ('kvmtime check --summary', [kvmtime, 'check', '--summary'] + names, 1, 1.5),
        ('kvmtime check --summary', [kvmtime, 'check', '--summary'] + names, 2, 1.0)]
if len(cpus) < 2:
    rows.pop()
wall, cpu = [[] for _ in rows], [[] for _ in rows]
for _ in range(5):
    for i, (_, command, cores, _) in enumerate(rows):
        one = run(command, cores)
        wall[i].append(one[0])
        cpu[i].append(one[1])
size = sum(os.path.getsize(os.path.join(folder, 'all', n)) for n in names)
print('%d libvirt domains, %.1f MB; least of 5' % (len(names), size / 1e6))
print('%-26s %5s %8s %8s %8s %7s %6s' % ('program', 'cores', 'wall ms', 'CPU ms', 'us/file', 'ratio', 'limit'))
for i, (name, _, cores, limit) in enumerate(rows):
    print('%-26s %5d %8.0f %8.0f %8.1f %7s %6s' % (
        name, cores, 1e3 * min(wall[i]), 1e3 * min(cpu[i]), 1e6 * min(wall[i]) / len(names),
        '%.2f' % (min(wall[i]) / min(wall[0])) if limit else '-', limit if limit else '-'))
os.environ['KVT_QEMU'] = '7.2'  # or the peak would be that of qemu-system-x86_64 --version
print('peak memory: %d files %d KiB, %d files %d KiB' % (
    len(few), run([kvmtime, 'check', '--summary'] + few, 2, 'few')[2],
    len(names), run([kvmtime, 'check', '--summary', '.'], 2)[2]))
END
