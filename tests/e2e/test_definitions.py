#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Recorded definitions and the rules that each of them must hit, as TAP.

Together they hit every rule of 50-vm-*.rules, and each rule misses one of them.
"""
import glob
import json
import os
import re
import subprocess

source, build = os.environ['KVT_SOURCE'], os.environ['KVT_BUILD']
folder = os.path.join(source, 'tests', 'e2e', 'definitions')
environment = dict(os.environ, KVT_QEMU='8.2', KVT_MODULES=os.path.join(build, 'modules'))
number = 0
hit, missed = set(), set()


def result(good, fact, *more):
    global number
    number += 1
    print('%sok %d - %s' % ('' if good else 'not ', number, fact))
    for line in more if not good else ():
        print('# %s' % line)


def found(path):
    run = subprocess.run([os.path.join(build, 'kvmtime'), 'check', '--json', path], env=environment,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if not run.stdout:
        return ['exit %d: %s' % (run.returncode, run.stderr.strip())]
    return sorted(f['id'] for f in json.loads(run.stdout)['findings'])


rules = set()
for path in glob.glob(os.path.join(source, 'data', 'rules', '50-vm-*.rules')):
    for section in re.split(r'^(?=\[KVT-)', open(path).read(), flags=re.M)[1:]:
        if 'when vm.lab.measured' not in section:  # what the lab measures is reached by its own tests
            rules.add(section[1:9])
listed = set()
for line in open(os.path.join(folder, 'EXPECT')):
    if line.startswith('#'):
        continue
    name, ids = line.split(':', 1)
    listed.add(name)
    if name.endswith('.yaml') and not os.path.exists(os.path.join(build, 'modules', 'kvmtime-yaml.so')):
        number += 1
        print('ok %d # SKIP %s: libyaml was not there at build time' % (number, name))
        continue
    got = found(os.path.join(folder, name))
    hit |= set(got)
    missed |= rules - set(got)
    result(got == ids.split(), '%s hits %s' % (name, ' '.join(ids.split()) or 'nothing'), 'got: %s' % ' '.join(got))
result(listed == set(os.listdir(folder)) - {'EXPECT'}, 'every recorded definition is in the list')
result(rules <= hit, 'every rule is hit by a recorded definition', 'not hit: %s' % sorted(rules - hit))
result(rules <= missed, 'every rule misses a recorded definition')
print('1..%d' % number)
