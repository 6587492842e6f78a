#!/usr/bin/python3
"""A service manager's and a journal's side: datagrams.py NOTIFY JOURNAL LOG binds both sockets and
appends each datagram to LOG, one line each: "notify ..." or "journal ...", line ends as "|"."""
import os
import select
import socket
import sys

ends = {}
for kind, path in ('notify', sys.argv[1]), ('journal', sys.argv[2]):
    if os.path.exists(path):
        os.unlink(path)
    end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    end.bind(path)
    os.chmod(path, 0o666)
    ends[end] = kind
with open(sys.argv[3], 'a', buffering=1) as log:
    print('ready', flush=True)
    while True:
        for end in select.select(list(ends), [], [])[0]:
            text = end.recv(65536).decode(errors='replace')
            log.write('%s %s\n' % (ends[end], text.replace('\n', '|')))
