# SPDX-License-Identifier: BSD-2-Clause
"""Clock and timer sections that libvirt's schema allows, and some by hand.

generate FOLDER SEED HOST_TSC_HZ writes NNNN.xml, one domain each.
compare FOLDER OURS THEIRS HOST_TSC_HZ compares our JSON Lines with what virsh printed, as TAP.
"""
import calendar
import itertools
import json
import os
import random
import re
import shlex
import sys
import time

POLICIES = [None, 'delay', 'catchup', 'merge', 'discard']
TRACKS = [None, 'boot', 'guest', 'wall', 'realtime']
PRESENT = [None, 'yes', 'no']
CATCHUPS = [None, {}, {'threshold': '123'}, {'slew': '120', 'limit': '10000'}, {'threshold': '0'}]
OFFSETS = [
    {}, {'offset': 'utc'}, {'offset': 'utc', 'adjustment': 'reset'},
    {'offset': 'utc', 'adjustment': '3600'}, {'offset': 'utc', 'adjustment': '0'},
    {'offset': 'utc', 'adjustment': '-86400'}, {'offset': 'localtime'},
    {'offset': 'localtime', 'adjustment': 'reset'}, {'offset': 'localtime', 'adjustment': '-7200'},
    {'offset': 'timezone', 'timezone': 'Europe/Paris'}, {'offset': 'timezone', 'timezone': 'UTC'},
    {'offset': 'timezone', 'timezone': 'America/St_Johns'},
    {'offset': 'variable'}, {'offset': 'variable', 'adjustment': '123456'},
    {'offset': 'variable', 'adjustment': '-3600', 'basis': 'localtime'},
    {'offset': 'variable', 'adjustment': '99999999999', 'basis': 'utc'},
    {'offset': 'absolute', 'start': '0'}, {'offset': 'absolute', 'start': '1000000000'},
    {'offset': 'absolute', 'start': '253402300799'},
]
# Not what the schema allows; libvirt refuses each.
BROKEN = [
    ({'offset': 'bogus'}, ''), ({'offset': 'utc', 'adjustment': 'junk'}, ''),
    ({'offset': 'localtime', 'adjustment': '12x'}, ''), ({'offset': 'timezone'}, ''),
    ({'offset': 'timezone', 'timezone': ''}, ''), ({'offset': 'variable', 'basis': 'timezone'}, ''),
    ({'offset': 'absolute'}, ''), ({'offset': 'absolute', 'start': '-1'}, ''),
    ({'offset': 'absolute', 'start': 'x'}, ''), ({'offset': 'absolute', 'start': '253402300800'}, ''),
    ({}, "<timer name='acpi'/>"), ({}, "<timer name='bogus'/>"), ({}, '<timer/>'),
    ({}, "<timer name='rtc' tickpolicy='bogus'/>"), ({}, "<timer name='pit' present='maybe'/>"),
    ({}, "<timer name='rtc' track='bogus'/>"), ({}, "<timer name='tsc' mode='bogus'/>"),
    ({}, "<timer name='tsc' frequency='-5'/>"), ({}, "<timer name='tsc' frequency='x'/>"),
    ({}, "<timer name='tsc' frequency='99999999999999999999999'/>"),
    ({}, "<timer name='rtc' tickpolicy='catchup'><catchup threshold='-1'/></timer>"),
    ({}, "<timer name='rtc' tickpolicy='catchup'><catchup slew='x'/></timer>"),
    ({}, "<timer name='rtc' frequency='1000'/>"), ({}, "<timer name='pit' mode='auto'/>"),
    ({}, "<timer name='hpet' frequency='5'/>"), ({}, "<timer name='kvmclock' mode='native'/>"),
    ({}, "<timer name='pit' track='wall'/>"), ({}, "<timer name='hpet' track='guest'/>"),
    ({}, "<timer name='tsc' track='boot'/>"), ({}, "<timer name='kvmclock' track='wall'/>"),
]
CPUS = [None, 'host-passthrough', 'maximum', 'qemu64']


def attributes(pairs):
    return ''.join(" %s='%s'" % (k, v) for k, v in pairs.items() if v is not None)


def timer(name, catchup=None, **more):
    more = {k: v for k, v in more.items() if v is not None}
    start = "<timer name='%s'%s" % (name, attributes(more))
    if catchup is None:
        return start + '/>'
    return start + '><catchup%s/></timer>' % attributes(catchup)


def all_of_one(hz):
    """Every single timer that the schema allows, in the values above."""
    for name in ('rtc', 'platform'):
        for policy, track, present, catchup in itertools.product(POLICIES, TRACKS, PRESENT, CATCHUPS):
            yield timer(name, tickpolicy=policy, track=track, present=present, catchup=catchup)
    for name in ('pit', 'hpet'):
        for policy, present, catchup in itertools.product(POLICIES, PRESENT, CATCHUPS):
            yield timer(name, tickpolicy=policy, present=present, catchup=catchup)
    for frequency, mode, policy, present in itertools.product(
            [None, '0', str(hz), str(hz + 1000), str(hz * 2)],
            [None, 'auto', 'native', 'emulate', 'paravirt', 'smpsafe'], POLICIES, PRESENT):
        yield timer('tsc', frequency=frequency, mode=mode, tickpolicy=policy, present=present)
    for name in ('kvmclock', 'hypervclock', 'armvtimer'):
        for policy, present in itertools.product(POLICIES, PRESENT):
            yield timer(name, tickpolicy=policy, present=present)


def domain(number, offset, timers, virt, cpu):
    mode = ''
    if cpu == 'qemu64':
        mode = "<cpu mode='custom' match='exact' check='none'><model>qemu64</model></cpu>"
    elif cpu is not None:
        mode = "<cpu mode='%s' check='none'/>" % cpu
    return ("<domain type='%s'>\n  <name>case%d</name>\n  <memory>65536</memory>\n  <vcpu>1</vcpu>\n"
            "  <os><type arch='x86_64' machine='pc'>hvm</type></os>\n  %s\n  <clock%s>\n    %s\n"
            "  </clock>\n  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator></devices>\n"
            "</domain>\n" % (virt, number, mode, attributes(offset), '\n    '.join(timers)))


def cases(seed, hz):
    rng = random.Random(seed)
    singles = list(all_of_one(hz))
    by_name = {}
    for t in singles:
        by_name.setdefault(t.split("'")[1], []).append(t)
    for offset in OFFSETS:
        yield offset, [], 'kvm', None
        yield offset, [], 'qemu', None
    for offset, text in BROKEN:
        yield offset, [text], 'qemu', None
    for single in singles:
        yield {'offset': 'utc'}, [single], rng.choice(['kvm', 'qemu']), None
    names = ['rtc', 'pit', 'hpet', 'tsc', 'kvmclock', 'hypervclock']
    # most values of one timer are refused: draw whole sets from what is taken, too
    taken = {
        'rtc': [t for t in by_name['rtc'] if 'boot' not in t and 'merge' not in t and
                'discard' not in t and 'catchup ' not in t],
        'pit': [t for t in by_name['pit'] if 'merge' not in t and 'catchup ' not in t],
        'hpet': [t for t in by_name['hpet'] if 'catchup ' not in t],
        'tsc': [t for t in by_name['tsc'] if str(hz * 2) not in t],
        'kvmclock': [t for t in by_name['kvmclock'] if 'tickpolicy' not in t],
        'hypervclock': [t for t in by_name['hypervclock'] if 'tickpolicy' not in t],
    }
    for i in range(1500):
        pool = taken if i % 3 else by_name
        chosen = rng.sample(names, rng.randint(2, 6))
        virt = rng.choice(['kvm', 'qemu'])
        # TCG has no host CPU; KVM has no model that is not the host's
        cpu = rng.choice([None, 'host-passthrough', 'maximum'] if virt == 'kvm' else
                         [None, 'maximum', 'qemu64'])
        yield rng.choice(OFFSETS), [rng.choice(pool[n]) for n in chosen], virt, cpu


def generate(folder, seed, hz):
    number = 0
    with open(os.path.join(folder, 'commands'), 'w') as commands:
        for offset, timers, virt, cpu in cases(seed, hz):
            path = os.path.join(folder, '%05d.xml' % number)
            with open(path, 'w') as f:
                f.write(domain(number, offset, timers, virt, cpu))
            commands.write("echo ==%05d\ndomxml-to-native qemu-argv --xml %s\n" % (number, path))
            number += 1
    print(number)


FLAGS = ('kvmclock', 'hv-', 'tsc-frequency', 'migratable', 'invtsc', 'kvm=')


def time_arguments(words):
    """What of a command line speaks of time, in an order of its own."""
    found, i = [], 0
    while i < len(words):
        word, following = words[i], words[i + 1] if i + 1 < len(words) else ''
        if word.startswith('TZ='):
            found.append(word)
        elif word in ('-rtc', '-global'):
            if word == '-rtc' or following.startswith('kvm-pit') or 'rtc' in following:
                found.append(word + ' ' + following)
            i += 1
        elif word in ('-no-hpet', '-no-kvm-pit-reinjection', '-localtime'):
            found.append(word)
        elif word == '-cpu':
            parts = following.split(',')
            flags = [p for p in parts[1:] if p.startswith(FLAGS)]
            if parts[0] != 'qemu64' or flags:
                found.append('-cpu ' + parts[0])
            found += ['-cpu ...,' + f for f in flags]
            i += 1
        elif word == '-machine' and 'hpet=off' in following:
            found.append('-machine hpet=off')
            i += 1
        i += 1
    return sorted(found)


def split_dates(arguments):
    """An RTC that starts at a distance from now: the date is compared with slack."""
    rest, dates = [], []
    for a in arguments:
        m = re.match(r'(-rtc base=)(\d+)-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(.*)', a)
        if m:
            year, month, day, hour, minute, second = (int(g) for g in m.groups()[1:7])
            dates.append(calendar.timegm((min(year, 9999), month, day, hour, minute, second)))
            a = '-rtc base=DATE' + m.group(8)
        rest.append(a)
    return rest, dates


def same(ours, theirs, slack):
    a, a_dates = split_dates(time_arguments(ours))
    b, b_dates = split_dates(time_arguments(theirs))
    return a == b and len(a_dates) == len(b_dates) and \
        all(abs(x - y) <= slack for x, y in zip(a_dates, b_dates))


# The element of a refusal: a word of libvirt's message that ours must name too.
def element(message):
    for word in ('platform', 'kvmclock', 'hypervclock', 'armvtimer', 'catchup', 'frequency', 'mode',
                 'tickpolicy', 'track', 'start', 'basis', 'adjustment', 'timezone', 'offset',
                 'present', 'threshold', 'slew', 'limit', 'TSC', 'name'):
        if word in message:
            return word
    return ''


def read_theirs(path):
    answers, current = {}, None
    for line in open(path, errors='replace'):
        if line.startswith('==') and line[2:7].isdigit():
            current = int(line[2:7])
            answers[current] = ''
        elif current is not None:
            answers[current] += line
    return answers


def compare(folder, ours_path, theirs_path, slack):
    theirs = read_theirs(theirs_path)
    total = converted = refused = 0
    bad = []
    for line in open(ours_path):
        mine = json.loads(line)
        number = int(os.path.basename(mine['target']).split('.')[0])
        answer = theirs.get(number, '').strip()
        total += 1
        notes = [n for n in mine['notes'] if n['kind'] in ('invalid', 'refused')]
        if answer.startswith('error') or '\nerror:' in answer:
            refused += 1
            if not notes:
                bad.append('%d: libvirt refuses, we do not: %s' % (number, answer))
            elif not any(element(answer) in n['text'] or element(answer) in (n['field'] or '')
                         for n in notes):
                bad.append('%d: refused for another element: %s / %s' % (number, answer, notes))
        elif not answer:
            bad.append('%d: libvirt gave no answer' % number)
        elif notes:
            bad.append('%d: we refuse, libvirt does not: %s' % (number, notes))
        else:
            converted += 1
            if not same(shlex.split(mine['text']), shlex.split(answer), slack):
                bad.append('%d:\n#   ours   %s\n#   theirs %s' % (
                    number, time_arguments(shlex.split(mine['text'])),
                    time_arguments(shlex.split(answer))))
    for problem in bad[:20]:
        print('# ' + problem.replace('\n', '\n# '))
    print('# %d cases: %d converted, %d refused, %d differ' % (total, converted, refused, len(bad)))
    print('%sok 1 - every one of %d clock sections is said to QEMU as libvirt says it, or refused as '
          'libvirt refuses it' % ('' if total == len(theirs) and not bad else 'not ', total))
    print('%sok 2 - there were enough of both kinds (%d converted, %d refused)' % (
        '' if converted > 700 and refused > 700 else 'not ', converted, refused))


if __name__ == '__main__':
    if sys.argv[1] == 'generate':
        generate(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        compare(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
