#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""definitions.py FOLDER COUNT: that many libvirt domains of 4-8 KB, as a hypervisor host keeps them.

They differ in guest system, clock, timers, CPU and number of devices; the seed is fixed, so that
two runs measure the same files.
"""
import os
import random
import sys
import uuid

NOTE = '''<!--
WARNING: THIS IS AN AUTO-GENERATED FILE. CHANGES TO IT ARE LIKELY TO BE
OVERWRITTEN AND LOST. Changes to this xml configuration should be made using:
  virsh edit %s
or other application using the libvirt API.
-->

'''
SYSTEMS = [('http://redhat.com/rhel/5.3', 'utc'), ('http://redhat.com/rhel/9.0', 'utc'), ('http://debian.org/debian/11', 'utc'),
           ('http://microsoft.com/win/10', 'localtime'), ('http://microsoft.com/win/2k19', 'utc'), ('http://freebsd.org/freebsd/13.0', 'utc')]


def timers(r):
    lines = []
    if r.random() < .8:
        lines.append("    <timer name='rtc' tickpolicy='%s'/>" % r.choice(['catchup', 'catchup', 'delay']))
    if r.random() < .8:
        lines.append("    <timer name='pit' tickpolicy='%s'/>" % r.choice(['delay', 'delay', 'discard']))
    if r.random() < .7:
        lines.append("    <timer name='hpet' present='%s'/>" % r.choice(['no', 'no', 'yes']))
    if r.random() < .2:
        lines.append("    <timer name='tsc' frequency='2300000000'/>")
    return lines


def address(r, bus, slot):
    return "      <address type='pci' domain='0x0000' bus='0x%02x' slot='0x%02x' function='0x0'/>" % (bus, slot)


def disk(r, name, i):
    return ["    <disk type='file' device='disk'>",
            "      <driver name='qemu' type='qcow2' cache='none' io='native' discard='unmap'/>",
            "      <source file='/var/lib/libvirt/images/%s-%d.qcow2'/>" % (name, i),
            "      <target dev='vd%c' bus='virtio'/>" % (97 + i), address(r, i + 4, 0), "    </disk>"]


def interface(r, i):
    return ["    <interface type='network'>", "      <mac address='52:54:00:%02x:%02x:%02x'/>" % tuple(r.randrange(256) for _ in range(3)),
            "      <source network='default'/>", "      <model type='virtio'/>", address(r, i + 1, 0), "    </interface>"]


def controllers(r, count):
    lines = ["    <controller type='usb' index='0' model='qemu-xhci' ports='15'>", address(r, 2, 0), "    </controller>",
             "    <controller type='virtio-serial' index='0'>", address(r, 3, 0), "    </controller>"]
    for i in range(1, count):
        lines += ["    <controller type='pci' index='%d' model='pcie-root-port'>" % i, "      <model name='pcie-root-port'/>",
                  "      <target chassis='%d' port='0x%x'/>" % (i, 15 + i), address(r, 0, 2 + i // 8), "    </controller>"]
    return lines


def features(r, windows):
    lines = ["  <features>", "    <acpi/>", "    <apic/>"]
    if windows:
        lines += ["    <hyperv mode='custom'>"] + ["      <%s state='on'/>" % f for f in ('relaxed', 'vapic', 'vpindex', 'synic')[:r.randint(1, 4)]]
        lines += ["      <spinlocks state='on' retries='8191'/>", "    </hyperv>"]
    return lines + ["    <vmport state='off'/>", "  </features>"]


def devices(r, name):
    lines = ["  <devices>", "    <emulator>/usr/bin/qemu-system-x86_64</emulator>"]
    for i in range(r.randint(1, 4)):
        lines += disk(r, name, i)
    lines += controllers(r, r.randint(6, 13))
    for i in range(r.randint(1, 3)):
        lines += interface(r, i)
    lines += ["    <serial type='pty'>", "      <target type='isa-serial' port='0'>", "        <model name='isa-serial'/>", "      </target>",
              "    </serial>", "    <console type='pty'>", "      <target type='serial' port='0'/>", "    </console>"]
    if r.random() < .6:
        lines += ["    <channel type='unix'>", "      <target type='virtio' name='org.qemu.guest_agent.0'/>",
                  "      <address type='virtio-serial' controller='0' bus='0' port='1'/>", "    </channel>"]
    lines += ["    <input type='tablet' bus='usb'>", "      <address type='usb' bus='0' port='1'/>", "    </input>",
              "    <graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'>", "      <listen type='address' address='127.0.0.1'/>",
              "    </graphics>", "    <video>", "      <model type='virtio' heads='1' primary='yes'/>", address(r, 0, 1), "    </video>",
              "    <memballoon model='virtio'>", address(r, 5, 0), "    </memballoon>", "    <rng model='virtio'>",
              "      <backend model='random'>/dev/urandom</backend>", address(r, 6, 0), "    </rng>"]
    return lines + ["  </devices>"]


def domain(r, i):
    name = 'vm%05d' % i
    system, offset = r.choice(SYSTEMS)
    lines = ["<domain type='kvm'>", "  <name>%s</name>" % name, "  <uuid>%s</uuid>" % uuid.UUID(int=r.getrandbits(128)), "  <metadata>",
             '    <libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">',
             '      <libosinfo:os id="%s"/>' % system, "    </libosinfo:libosinfo>", "  </metadata>",
             "  <memory unit='KiB'>4194304</memory>", "  <currentMemory unit='KiB'>4194304</currentMemory>",
             "  <vcpu placement='static'>%d</vcpu>" % r.choice([1, 2, 4, 8]), "  <os>",
             "    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>", "    <boot dev='hd'/>", "  </os>"]
    lines += features(r, 'microsoft' in system)
    lines += ["  <cpu mode='host-passthrough' check='none' migratable='on'/>", "  <clock offset='%s'>" % offset] + timers(r) + ["  </clock>"]
    lines += ["  <on_poweroff>destroy</on_poweroff>", "  <on_reboot>restart</on_reboot>", "  <on_crash>destroy</on_crash>", "  <pm>",
              "    <suspend-to-mem enabled='no'/>", "    <suspend-to-disk enabled='no'/>", "  </pm>"]
    return NOTE % name + '\n'.join(lines + devices(r, name)) + '\n</domain>\n'


folder, count = sys.argv[1], int(sys.argv[2])
generator = random.Random(2012)
os.makedirs(folder, exist_ok=True)
for number in range(count):
    with open(os.path.join(folder, 'vm%05d.xml' % number), 'w') as out:
        out.write(domain(generator, number))
