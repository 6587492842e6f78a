#!/usr/bin/python3
"""Bad HTTP clients: bad_http.py PORT slow|huge|header|malformed|many|post [N].
slow: N connections that send a byte now and then, held while this runs; prints "held".
The others send their nonsense N times and print what came back (the first line, or "closed")."""
import random
import socket
import sys
import time

port, kind = int(sys.argv[1]), sys.argv[2]
n = int(sys.argv[3]) if len(sys.argv) > 3 else 1


def connect():
    s = socket.create_connection(('127.0.0.1', port), timeout=30)
    return s


def send(data):
    s = connect()
    try:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        answer = s.recv(4096)
    except OSError:
        answer = b''
    s.close()
    return (answer.split(b'\r\n')[0] or b'closed').decode(errors='replace')


if kind in ('slow', 'many'):
    held = []
    for _ in range(n):
        try:
            held.append(connect())
        except OSError:
            pass
    print('held', flush=True)
    while True:
        for s in held:
            try:
                s.sendall(b'G' if kind == 'slow' else b'')
            except OSError:
                pass
        time.sleep(1)
random.seed(7)
said = set()
for i in range(n):
    data = {
        'huge': b'POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n' + b'x' * 5000000,
        'header': b'GET /metrics HTTP/1.1\r\nHost: x\r\nX: ' + b'y' * 2000000 + b'\r\n\r\n',
        'malformed': bytes(random.randrange(256) for _ in range(random.randrange(1, 3000))),
        'post': b'POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n',
    }[kind]
    said.add(send(data))
print(' / '.join(sorted(said)))
