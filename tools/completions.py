#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""completions.py KVMTIME RULES BASH ZSH FISH: completions of the shells, from what --help prints

KVMTIME is the built program, RULES the folder of rule files, the rest are the files to write.
"""
import glob
import re
import subprocess
import sys

program, rules, bash_out, zsh_out, fish_out = sys.argv[1:]

OPTION = re.compile(r'^  (?:-(?P<short>\w), )?--(?P<name>[a-z][a-z-]*)(?P<argument>=\S+)?\s+(?P<text>\S.*)$')


def printed(*arguments):
    return subprocess.run([program, *arguments, '--help'], check=True, stdout=subprocess.PIPE,
                          env={'LC_ALL': 'C.UTF-8', 'NO_COLOR': '1'}).stdout.decode()


def options(text):
    """(short or None, name, takes an argument, description) of each"""
    found = [OPTION.match(line) for line in text.splitlines()]
    return [(m['short'], m['name'], m['argument'] is not None, m['text']) for m in found if m]


def verbs():
    """verb: (description, {'' or sub-verb: options})"""
    table = {}
    for line in subprocess.run([program, '--help'], check=True,
                               stdout=subprocess.PIPE).stdout.decode().splitlines():
        found = re.match(r'^  ([a-z]+) {2,}(\S.*)$', line)
        if not found:
            continue
        verb, text = found.groups()
        own = printed(verb) if verb != 'help' else ''
        kinds = re.findall(rf'^(?:Usage:| {{6}}) kvmtime {verb} ([a-z]+) ', own, re.M)
        table[verb] = (text, {kind: options(printed(verb, kind)) for kind in kinds} or {'': options(own)})
    return table


def rule_ids():
    ids = {}
    for path in sorted(glob.glob(rules + '/*.rules')):
        with open(path, encoding='utf-8') as file:
            for found in re.finditer(r'^\[(KVT-\d{4})\]\n(?:.*\n)*?title *= *(.*)$', file.read(), re.M):
                ids[found[1]] = found[2]
    return ids


def flat(kinds):
    """options of all sub-verbs of a verb, each once"""
    seen = {}
    for some in kinds.values():
        for option in some:
            seen.setdefault(option[1], option)
    return list(seen.values())


def words_of(option):
    short, name, argument, _ = option
    return (['-' + short] if short else []) + ['--' + name + ('=' if argument else '')]


def bash(table, ids):
    lines = ['# bash completion of kvmtime, generated from its --help',
             '_kvmtime() {',
             '\tlocal cur=${COMP_WORDS[COMP_CWORD]} words=',
             '\tcompopt -o default 2>/dev/null',
             '\tif [ "$COMP_CWORD" = 1 ]; then',
             f'\t\twords="{" ".join(table)} --help --version"',
             '\telse',
             '\t\tcase ${COMP_WORDS[1]} in']
    for verb, (_, kinds) in table.items():
        own = [word for option in flat(kinds) for word in words_of(option)]
        more = [kind for kind in kinds if kind]
        if verb == 'help':
            more = list(table)
        lines.append(f'\t\t{verb}) words="{" ".join(more + own)}" ;;')
    lines += ['\t\tesac',
              '\t\tcase ${COMP_WORDS[1]} in explain | fix)',
              '\t\t\t[[ $cur != K* ]] || words="$words ' + ' '.join(ids) + '" ;;',
              '\t\tesac',
              '\tfi',
              '\t# shellcheck disable=SC2207 # words of this list hold no space',
              '\tCOMPREPLY=($(compgen -W "$words" -- "$cur"))',
              "\t[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace 2>/dev/null",
              '}',
              'complete -F _kvmtime kvmtime']
    return '\n'.join(lines) + '\n'


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def zsh_text(text):
    return re.sub(r'([\[\]:\\])', r'\\\1', text)


def zsh(table, ids):
    lines = ['#compdef kvmtime', '# generated from what --help prints',
             '_kvmtime() {', '\tlocal -a verbs ids', '\tverbs=(']
    lines += [f'\t\t{quoted(verb + ":" + zsh_text(text))}' for verb, (text, _) in table.items()]
    lines += ['\t)', '\tids=(']
    lines += [f'\t\t{quoted(name + ":" + zsh_text(title))}' for name, title in ids.items()]
    lines += ['\t)', '\tif (( CURRENT == 2 )); then', '\t\t_describe verb verbs', '\t\treturn', '\tfi',
              '\tlocal verb=$words[2]', '\tshift words', '\t(( CURRENT-- ))', '\tcase $verb in']
    for verb, (_, kinds) in table.items():
        specs = []
        for short, name, argument, text in flat(kinds):
            value = ':value:_files' if argument else ''
            equals = '=' if argument else ''
            specs.append(quoted(f'--{name}{equals}[{zsh_text(text)}]{value}'))
            if short:
                specs.append(quoted(f'-{short}[{zsh_text(text)}]'))
        more = [kind for kind in kinds if kind] or (list(table) if verb == 'help' else [])
        if more:
            specs.append(quoted(f'1:what:({" ".join(more)})'))
        rest = '_kvmtime_ids' if verb in ('explain', 'fix') else '_files'
        specs.append(quoted(f'*:target:{rest}'))
        lines.append(f'\t{verb}) _arguments {" ".join(specs)} ;;')
    lines += ['\tesac', '}', '_kvmtime_ids() {', "\t_describe finding ids", '\t_files', '}',
              '_kvmtime "$@"']
    return '\n'.join(lines) + '\n'


def fish(table, ids):
    lines = ['# fish completion of kvmtime, generated from its --help',
             'complete -c kvmtime -n __fish_use_subcommand -f']
    for verb, (text, kinds) in table.items():
        lines.append(f'complete -c kvmtime -n __fish_use_subcommand -a {verb} -d {quoted(text)}')
        here = quoted(f'__fish_seen_subcommand_from {verb}')
        for kind in [kind for kind in kinds if kind]:
            lines.append(f'complete -c kvmtime -n {here} -a {kind}')
        for short, name, argument, said in flat(kinds):
            lines.append(f'complete -c kvmtime -n {here} -l {name}' + (f' -s {short}' if short else '') +
                         (' -r' if argument else '') + f' -d {quoted(said)}')
    for name, title in ids.items():
        lines.append("complete -c kvmtime -n '__fish_seen_subcommand_from explain fix' "
                     f'-a {name} -d {quoted(title)}')
    return '\n'.join(lines) + '\n'


table, ids = verbs(), rule_ids()
for path, text in ((bash_out, bash(table, ids)), (zsh_out, zsh(table, ids)), (fish_out, fish(table, ids))):
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
