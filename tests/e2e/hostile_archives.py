# SPDX-License-Identifier: BSD-2-Clause
"""Archives that nobody should trust, by name, to standard output."""
import gzip
import io
import os
import random
import sys
import tarfile
import zipfile


def member(tar, name, data=b'x\n', kind=tarfile.REGTYPE, link=''):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.size = len(data) if kind == tarfile.REGTYPE else 0
    tar.addfile(info, io.BytesIO(data))


def tar(*members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w', format=tarfile.GNU_FORMAT) as archive:
        member(archive, 'sos/sos_commands/kernel/uname_-a', b'Linux a 6.1.0 #1 x86_64 GNU/Linux\n')
        for one in members:
            member(archive, *one)
    return out.getvalue()


def nested():
    inner = tar()
    for _ in range(3):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode='w') as archive:
            member(archive, 'inner.tar', inner)
        inner = out.getvalue()
    return inner


def many():
    block = tarfile.TarInfo('sos/proc/1/x').tobuf() * 1000
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode='wb', compresslevel=9, mtime=0) as packed:
        for _ in range(250):
            packed.write(block)
        packed.write(bytes(1024))
    return out.getvalue()


def bomb():
    info = tarfile.TarInfo('sos/var/log/unwanted')
    info.size = 400 << 20
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode='wb', compresslevel=9, mtime=0) as packed:
        packed.write(info.tobuf())
        for _ in range(400):
            packed.write(bytes(1 << 20))
        packed.write(bytes(1024))
    return out.getvalue()


def sparse():
    """A GNU sparse file of a terabyte with one block of data."""
    info = tarfile.TarInfo('sos/proc/huge')
    info.type, info.size = tarfile.GNUTYPE_SPARSE, 512
    head = bytearray(info.tobuf(format=tarfile.GNU_FORMAT))
    head[386:410] = b'00000000000\0' + b'00000001000\0'
    head[483:495] = b'\x80' + (1 << 40).to_bytes(11, 'big')
    head[148:156] = b' ' * 8
    head[148:156] = b'%06o\0 ' % sum(head)
    return bytes(head) + bytes(512) + tar()


def password():
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w') as archive:
        archive.writestr('sos/proc/cmdline', 'ro\n')
    data = bytearray(out.getvalue())
    data[6] |= 1
    data[data.index(b'PK\1\2') + 8] |= 1
    return bytes(data)


def slow():
    noise = random.Random(1)
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode='wb', compresslevel=1, mtime=0) as packed:
        info = tarfile.TarInfo('sos/var/log/messages')
        info.size = 96 << 20
        packed.write(info.tobuf())
        line = b''.join(b'Nov 20 09:00:00 a b[%d]: %s\n' % (n, noise.randbytes(8).hex().encode())
                        for n in range(20000))
        packed.write((line * (info.size // len(line) + 1))[:info.size])
        packed.write(bytes(1024))
    return out.getvalue()


DEVICE, FIFO = tarfile.CHRTYPE, tarfile.FIFOTYPE
MAKERS = {
    'absolute.tar': lambda: tar(('/etc/passwd',)),
    'climbs.tar': lambda: tar(('x/../../etc/os-release',)),
    'hard.tar': lambda: tar(('sos/etc/os-release', b'', tarfile.LNKTYPE, '../../etc/shadow')),
    'link.tar': lambda: tar(('sos/etc/os-release', b'', tarfile.SYMTYPE, '../../../etc/os-release')),
    'device.tar': lambda: tar(('sos/proc/cpuinfo', b'', DEVICE)),
    'fifo.tar': lambda: tar(('sos/proc/cmdline', b'', FIFO)),
    'deep.tar': lambda: tar(('/'.join(['d'] * 100),)),
    'bomb.tar.gz': bomb,
    'nested.tar': nested,
    'members.tar.gz': many,
    'sparse.tar': sparse,
    'password.zip': password,
    'slow.tar.gz': slow,
    'garbage': lambda: random.Random(7).randbytes(10 << 20),
}
sys.stdout.buffer.write(MAKERS[os.path.basename(sys.argv[1])]())
