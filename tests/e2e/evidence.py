# SPDX-License-Identifier: BSD-2-Clause
"""A report of kvmtime check --json on standard input: each finding with its evidence, one line a
fact: subject, name, value, where it was read."""
import json
import sys


def value_of(fact):
    value = fact['value']
    if fact['state'] != 'known':
        return fact['state']
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    if isinstance(value, list):
        return '[' + ' | '.join(value) + ']'
    return ' '.join([str(value)] + [fact[key] for key in ['unit'] if key in fact])


for finding in sorted(json.load(sys.stdin)['findings'], key=lambda each: each['id']):
    print(finding['id'], finding['severity'], finding['subject'])
    for fact in finding['evidence']:
        when = '' if fact['when'] == 'running' else fact['when'] + ' '
        print(f"  {when}{fact['subject']} {fact['name']} = {value_of(fact)}")
        print(f"    read: {fact['source']}")
