#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""amalgamate.py OUT_H OUT_C INCLUDE SOURCE...: the library as one header and one source to copy.

Public headers go into OUT_H once each, in the order in which they need each other; sources and
their private headers go into OUT_C. What is private to one source (static functions and tables,
struct and enum tags, enum constants, macros) gets the file's name in front, or is undefined after
it, so that two sources may use one word.
"""
import os
import re
import sys

out_h, out_c, include = sys.argv[1:4]
sources = sys.argv[4:]

PUBLIC = re.compile(r'^#include <(kvmtime/[^>]+)>', re.M)
PRIVATE = re.compile(r'^#include "([^"]+)"', re.M)
SPDX = re.compile(r'^/\* SPDX[^\n]*\n', re.M)


def read(path):
    with open(path) as file:
        return SPDX.sub('', file.read())


def collect(name, done, order):
    """name and, before it, every public header that it includes"""
    if name in done:
        return
    done.add(name)
    for needed in PUBLIC.findall(read(os.path.join(include, name))):
        collect(needed, done, order)
    order.append(name)


def private_words(text):
    words = set()
    for line in text.splitlines():
        if line.startswith('static '):
            match = re.match(r'static [^=;({\[]*?\b(\w+)\s*(\(|\[|=|;|\{)', line)
            if match:
                words.add(match.group(1))
        match = re.match(r'(?:struct|enum|union) (\w+) \{', line)
        if match:
            words.add(match.group(1))
    for body in re.findall(r'^enum (?:\w+ )?\{(.*?)\}', text, re.M | re.S):
        body = re.sub(r'/\*.*?\*/', '', body, flags=re.S)
        words.update(re.match(r'\w+', item.strip()).group(0) for item in body.split(',') if item.strip())
    return {w for w in words if not w.startswith(('kvt_', 'KVT_'))}


def private(text, prefix):
    for word in sorted(private_words(text)):
        text = re.sub(r'(?<![\w.>"])%s\b(?!")' % word, '%s_%s' % (prefix, word), text)
    macros = [m for m in re.findall(r'^#define (\w+)', text, re.M)]
    undef = ''.join('#undef %s\n' % m for m in dict.fromkeys(macros) if '#undef ' + m not in text)
    return text + undef


order, done = [], set()
for source in sources:
    for name in PUBLIC.findall(read(source)):
        collect(name, done, order)
for folder, _, names in sorted(os.walk(os.path.join(include, 'kvmtime'))):
    for name in sorted(names):
        collect(os.path.relpath(os.path.join(folder, name), include), done, order)

notice = '/* SPDX-License-Identifier: BSD-2-Clause */\n/*\n * kvmtime, the library, in one %s. Made by tools/amalgamate.py; do not edit.\n */\n'
with open(out_h, 'w') as file:
    file.write(notice % 'header')
    for name in order:
        file.write('\n/* ---- %s ---- */\n' % name)
        file.write(PUBLIC.sub('', read(os.path.join(include, name))))

with open(out_c, 'w') as file:
    file.write(notice % 'source')
    file.write('#include "%s"\n' % os.path.basename(out_h))
    inlined = set()
    for source in sources:
        text = read(source)
        for name in PRIVATE.findall(text):
            path = os.path.join(os.path.dirname(source), name)
            if path not in inlined:
                inlined.add(path)
                file.write('\n/* ---- %s ---- */\n' % name)
                file.write(PUBLIC.sub('', read(path)))
        text = PRIVATE.sub('', PUBLIC.sub('', text))
        prefix = os.path.splitext(os.path.basename(source))[0]
        file.write('\n/* ---- %s ---- */\n' % os.path.basename(source))
        file.write(private(text, prefix))
