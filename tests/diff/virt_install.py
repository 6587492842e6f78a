#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What virt-install writes for time, for guest systems of osinfo-db.

  virt_install.py list URI [ID...]    a line a system: what virt-install --print-xml has, on a QEMU connection
  virt_install.py compare THEIRS OURS REASONS    TAP: kvmtime vm policy --os all against such a list

The columns are id, offset, rtc, pit, hpet, kvmclock, hypervclock, stimer; "-" = not said. virt-install
runs in this process, once a system: started each time it takes a quarter of a second.
"""
import contextlib
import io
import re
import sys
import xml.etree.ElementTree as ET

FIELDS = ['offset', 'rtc', 'pit', 'hpet', 'kvmclock', 'hypervclock', 'stimer']


def said(text):
    """the columns of a domain's XML"""
    domain = ET.fromstring(text[text.index('<domain'):text.index('</domain>') + 9])
    clock = domain.find('clock')
    timers = {t.get('name'): t for t in clock.findall('timer')} if clock is not None else {}

    def timer(name, attribute):
        return timers[name].get(attribute) or '-' if name in timers else '-'
    stimer = domain.find('features/hyperv/stimer')
    return [clock.get('offset') if clock is not None else '-', timer('rtc', 'tickpolicy'), timer('pit', 'tickpolicy'),
            timer('hpet', 'present'), timer('kvmclock', 'present'), timer('hypervclock', 'present'),
            '-' if stimer is None else 'yes' if stimer.get('state') == 'on' else 'no']


def list_systems(uri, ids):
    sys.path.insert(0, '/usr/share/virt-manager')
    from virtinst import OSDB, cli, virtinstall
    connection = cli.getConnection(uri)
    print('# virt-install %s; id %s' % (cli.BuildConfig.version, ' '.join(FIELDS)))
    for name in ids or sorted({os.name for os in OSDB.list_os()}):
        out = io.StringIO()
        sys.argv = ['virt-install', '--connect', uri, '--virt-type', 'qemu', '--memory', '1024', '--disk', 'none', '--network', 'none',
                    '--graphics', 'none', '--import', '--os-variant', name, '--print-xml']
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
                virtinstall.main(connection)
            print('\t'.join([name] + said(out.getvalue())), flush=True)
        except (SystemExit, ValueError, RuntimeError) as problem:
            print('# %s: %s' % (name, ' '.join(str(problem).split())[:100]), flush=True)


def table(path):
    rows = {}
    for line in open(path):
        words = line.split()
        if words and not line.startswith('#'):
            rows[words[0]] = words[1:]
    return rows


def compare(theirs_path, ours_path, reasons_path):
    theirs, ours = table(theirs_path), table(ours_path)
    reasons = {}
    for line in open(reasons_path):
        if line.strip() and not line.startswith('#'):
            family, field, mine, other, reason = line.split(None, 4)
            reasons[family, field, mine, other] = reason.strip()
    counts = {}
    missing = sorted(set(theirs) - set(ours))
    for name in sorted(set(theirs) & set(ours)):
        family, values = ours[name][0], ours[name][1:]
        for field, mine, other in zip(FIELDS, values, theirs[name]):
            if mine != other:
                counts.setdefault((family, field, mine, other), []).append(name)
    print('1..3')
    print('%sok 1 - policy answers for each of the %d systems' % ('not ' if missing else '', len(theirs)))
    for name in missing[:10]:
        print('# no answer: %s' % name)
    unexplained = sorted(set(counts) - set(reasons))
    print('%sok 2 - each difference to virt-install has its reason' % ('not ' if unexplained else ''))
    for key in sorted(counts):
        print('# %4d x %-12s %-12s ours %-10s theirs %-10s %s' % (
            (len(counts[key]),) + key + (reasons.get(key, 'NO REASON, e.g. ' + ' '.join(counts[key][:3])),)))
    idle = sorted(set(reasons) - set(counts))
    print('%sok 3 - and each reason has its difference' % ('not ' if idle else ''))
    for key in idle:
        print('# no such difference: %s' % ' '.join(key))


if sys.argv[1] == 'list':
    list_systems(sys.argv[2], sys.argv[3:])
else:
    compare(*sys.argv[2:5])
