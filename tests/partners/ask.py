#!/usr/bin/python3
"""Questions to a test guest's sockets.

ask.py agent SOCKET COMMAND [JSON]  one guest-agent command, its answer on stdout
ask.py qmp SOCKET COMMAND [JSON]    one QMP command, its answer on stdout
ask.py clock SOCKET [ROUNDS]        the guest's clock, read by its own program, not by the agent:
                                    offset and bound in ns (positive = guest ahead of the host)
"""
import json
import socket
import sys
import time


def line(stream):
    text = stream.readline()
    if not text:
        sys.exit('%s: closed' % sys.argv[2])
    return text


def command(stream, name, arguments):
    request = {'execute': name}
    if arguments:
        request['arguments'] = json.loads(arguments)
    stream.write(json.dumps(request).encode() + b'\n')
    while True:
        answer = json.loads(line(stream).lstrip(b'\xff'))
        if 'event' not in answer:
            return answer


def clock(stream, rounds):
    best = None
    for _ in range(rounds):
        before = time.clock_gettime_ns(time.CLOCK_REALTIME)
        stream.write(b'?')
        guest = int(line(stream))
        after = time.clock_gettime_ns(time.CLOCK_REALTIME)
        if best is None or after - before < best[1] * 2:
            best = (guest - (before + after) // 2, (after - before + 1) // 2)
    print(best[0], best[1])


peer = socket.socket(socket.AF_UNIX)
peer.settimeout(20)
peer.connect(sys.argv[2])
stream = peer.makefile('rwb', buffering=0)
if sys.argv[1] == 'clock':
    clock(stream, int(sys.argv[3]) if len(sys.argv) > 3 else 200)
    sys.exit(0)
if sys.argv[1] == 'qmp':
    line(stream)
    command(stream, 'qmp_capabilities', None)
else:
    stream.write(b'\xff' + b'{"execute":"guest-sync-delimited","arguments":{"id":7}}\n')
    while b'"return": 7' not in line(stream):
        pass
print(json.dumps(command(stream, sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else None)))
