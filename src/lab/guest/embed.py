# SPDX-License-Identifier: BSD-2-Clause
"""embed.py NAME FILE OUTPUT: the bytes of FILE as the C array NAME, and NAME_size."""
import sys

name, source, output = sys.argv[1:]
data = open(source, 'rb').read()
with open(output, 'w') as out:
    out.write('#include "lab/image.h"\n\nconst unsigned char %s[] = {' % name)
    for i, byte in enumerate(data):
        out.write('%s%d,' % ('\n\t' if i % 20 == 0 else ' ', byte))
    out.write('\n};\nconst unsigned int %s_size = sizeof(%s);\n' % (name, name))
