#!/usr/bin/python3
"""Fake guests: agent and QMP sockets with a clock of their own and every way to fail.

fake_guest.py FOLDER NAME[:KEY[=VALUE]]...  serves FOLDER/NAME.qga and FOLDER/NAME.qmp until killed,
and writes what it was ordered to FOLDER/NAME.log. "ready" on stdout when all sockets are there.

  offset=S       the guest's clock is this far ahead of the host's
  rate=PPM       and gains this much
  step=NS        answers are cut to this (Windows: 100, its clock moving by 15625000)
  delay=S        each answer comes this late
  hang           no answer at all, not even to guest-sync
  hang-set       guest-set-time is taken and never answered; hang-set=applied: and carried out
  garbage=TEXT   the answer to guest-get-time
  refuse         guest-get-time is refused;  frozen: as an agent refuses while frozen
  late-set=S     guest-set-time is taken, never answered, and carried out so much later
  no-hwclock     guest-set-time sets the clock and reports an error
  no-set         guest-set-time is refused and sets nothing
  dies           everything is closed once guest-set-time has been taken; dies=after: once it has been
                 answered, before anybody can read back
  flood          answers to guest-get-time never end;  flood=lines: are lines without end
  fight=S        this long after an order the clock goes back to the old offset
  paused         QMP says so
  chrony=WORD    guest-exec runs programs, and chronyc says: good (right, its servers answered), lost (they
                 did not), slews (it is behind, and begins to slew once it is told to measure)
  stale=N        N answers of an earlier client come before the first one
"""
import base64
import json
import os
import socket
import sys
import threading
import time


class Guest:
    def __init__(self, folder, text):
        name, *options = text.split(':')
        self.options = dict(o.split('=', 1) if '=' in o else (o, '') for o in options)
        self.offset_ns = int(float(self.options.get('offset', 0)) * 1e9)
        self.start_ns = time.time_ns()
        self.base = os.path.join(folder, name)
        self.log = open(self.base + '.log', 'w', buffering=1)
        self.dead = False
        for kind in 'qga', 'qmp':
            listener = socket.socket(socket.AF_UNIX)
            path = '%s.%s' % (self.base, kind)
            if os.path.exists(path):
                os.unlink(path)
            listener.bind(path)
            listener.listen(1)
            threading.Thread(target=self.serve, args=(listener, kind), daemon=True).start()

    def now_ns(self):
        now = time.time_ns()
        drift = int((now - self.start_ns) * float(self.options.get('rate', 0)) / 1e6)
        step = int(self.options.get('step', 1000))
        return (now + self.offset_ns + drift) // step * step

    def serve(self, listener, kind):
        while not self.dead: # one client at a time, as QEMU does
            client, _ = listener.accept()
            stream = client.makefile('rwb', buffering=0)
            try:
                self.talk(stream, kind)
            except (BrokenPipeError, ConnectionError, ValueError):
                pass
            stream.close()
            client.close()
        listener.close()

    def talk(self, stream, kind):
        if kind == 'qmp':
            stream.write(b'{"QMP": {"version": {}, "capabilities": []}}\n')
        for _ in range(int(self.options.pop('stale', 0))):
            stream.write(b'{"return": 42}\n')
        for line in stream:
            if 'hang' in self.options and kind == 'qga':
                continue
            request = json.loads(line.lstrip(b'\xff'))
            answer = getattr(self, kind)(request['execute'], request.get('arguments', {}))
            if self.dead:
                return
            if answer is not None:
                stream.write(answer if isinstance(answer, bytes) else
                             json.dumps(answer).encode() + b'\n')
            if request['execute'] == 'guest-set-time' and 'dies' in self.options:
                self.dead = True
                return
            while request['execute'] == 'guest-get-time' and 'flood' in self.options:
                stream.write(b'{"event": "x"}\n' * 4096 if self.options['flood'] else b'x' * 65536)

    @staticmethod
    def error(text):
        return {'error': {'class': 'GenericError', 'desc': text}}

    def qmp(self, command, _):
        self.log.write('qmp %s\n' % command)
        if command == 'query-status':
            paused = 'paused' in self.options
            return {'return': {'status': 'paused' if paused else 'running', 'running': not paused}}
        if command == 'query-cpus-fast':
            return {'return': [{'cpu-index': 0, 'thread-id': os.getpid()}]}
        return {'return': {}}

    def qga(self, command, arguments):
        if command == 'guest-sync-delimited':
            return b'\xff' + json.dumps({'return': arguments['id']}).encode() + b'\n'
        if 'frozen' in self.options:
            return self.error('Command %s has been disabled: the agent is in frozen state' % command)
        if command == 'guest-get-time':
            time.sleep(float(self.options.get('delay', 0)))
            if 'flood' in self.options:
                return None
            if 'garbage' in self.options:
                return self.options['garbage'].encode() + b'\n'
            if 'refuse' in self.options:
                return self.error('Command guest-get-time has been disabled')
            return {'return': self.now_ns()}
        if command == 'guest-set-time':
            return self.set_time(arguments)
        if command == 'guest-exec' and 'chrony' in self.options:
            self.script = ' '.join(arguments['arg'])
            return {'return': {'pid': 1}}
        if command == 'guest-exec-status' and 'chrony' in self.options:
            return {'return': {'exited': True, 'exitcode': 0, 'out-data':
                               base64.b64encode(self.chrony('burst' in self.script)).decode()}}
        return {'error': {'class': 'CommandNotFound', 'desc': 'The command %s has not been found' % command}}

    def chrony(self, measure):
        kind = self.options['chrony']
        self.log.write('chronyc%s\n' % (' burst' if measure else ''))
        behind = -self.offset_ns / 1e9 if kind == 'slews' else 0
        if measure and kind == 'slews' and 'rate' not in self.options:
            self.options['rate'] = 83333 if behind > 0 else -83333
            self.start_ns = time.time_ns()
        line = 'A63DB4D8,192.0.2.1,3,%.9f,%.9f,0.0001,0.0002,-11.0,0.01,0.02,0.004,0.001,64.2,Normal\n' % (
            time.time(), behind)
        return ('fresh\n' if measure and kind != 'lost' else '').encode() + line.encode()

    def set_time(self, arguments):
        if 'no-set' in self.options:
            self.log.write('refused\n')
            return self.error('Command guest-set-time has been disabled')
        self.log.write('set %d\n' % arguments['time'])
        old_ns = self.offset_ns
        if 'late-set' in self.options:
            late_s = float(self.options['late-set'])
            offset_ns = arguments['time'] - time.time_ns() - int(late_s * 1e9)
            threading.Timer(late_s, setattr, (self, 'offset_ns', offset_ns)).start()
            return None
        if self.options.get('hang-set', 'applied') == 'applied':
            self.offset_ns = arguments['time'] - time.time_ns()
            self.start_ns = time.time_ns()
        if 'hang-set' in self.options:
            self.options['hang'] = ''
            return None
        if self.options.get('dies') == '':
            self.dead = True
        if 'fight' in self.options:
            threading.Timer(float(self.options['fight']), setattr, (self, 'offset_ns', old_ns)).start()
        if 'no-hwclock' in self.options:
            return self.error('hwclock failed to set hardware clock to system time')
        return {'return': {}}


sys.setswitchinterval(0.0005)
guests = [Guest(sys.argv[1], text) for text in sys.argv[2:]]
print('ready', flush=True)
threading.Event().wait()
