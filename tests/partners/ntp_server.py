#!/usr/bin/python3
"""An NTP server that is wrong on purpose.

ntp_server.py PORT_FILE OFFSET_FILE  answers on 127.0.0.1 at a port that it writes to PORT_FILE, until
killed, with the host's time and the seconds that OFFSET_FILE holds just then.
"""
import os
import socket
import struct
import sys
import time


def stamp(seconds):
    return int((seconds + 2208988800) * 2**32)


server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(('127.0.0.1', 0))
with open(sys.argv[1] + '.new', 'w') as file:
    file.write('%d\n' % server.getsockname()[1])
os.rename(sys.argv[1] + '.new', sys.argv[1])
while True:
    query, client = server.recvfrom(512)
    with open(sys.argv[2]) as file:
        now = time.time() + float(file.read())
    if len(query) >= 48: # leap 0, version 4, server; stratum 2
        server.sendto(struct.pack('>BBbbIIIQQQQ', 0x24, 2, query[2], -20, 16, 16, 0x7f000001,
                                  stamp(now - 1), struct.unpack('>Q', query[40:48])[0],
                                  stamp(now), stamp(now)), client)
