#!/bin/busybox sh
# shellcheck shell=dash
# /init of the test guest. What the kernel's command line may say:
#   kvt.agent=no           no guest agent
#   kvt.agent_args=A,B     its further arguments, commas for spaces ("\," is not known)
#   kvt.hwclock=no         no /sbin/hwclock
# /run.sh, where the image holds it, is run, its output goes to the port kvmtime.out, and the
# machine is switched off; else the guest stays up.
/bin/busybox mkdir -p /proc /sys /dev /run /tmp /var/run /var/lib/chrony /var/log
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
exec </dev/null >/dev/console 2>&1
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/
/bin/busybox --install -s /bin.d
PATH=$PATH:/bin.d
mkdir -p /sbin
ln -s /bin/busybox /sbin/hwclock

option() { # name: its value on the kernel's command line
	sed -n "s/.*\\bkvt\\.$1=\\([^ ]*\\).*/\\1/p" /proc/cmdline
}

while read -r module; do
	insmod "/modules/$module"
done </modules/order
mkdir -p /dev/virtio-ports
for port in /sys/class/virtio-ports/*; do
	[ -e "$port/name" ] && ln -s "/dev/${port##*/}" "/dev/virtio-ports/$(cat "$port/name")"
done
ifconfig lo 127.0.0.1 up
ifconfig eth0 10.0.2.15 up 2>/dev/null && route add default gw 10.0.2.2
[ "$(option hwclock)" = no ] && rm /sbin/hwclock

if [ -e /run.sh ]; then
	sh /run.sh >/dev/virtio-ports/kvmtime.out 2>&1
	echo "kvt-status $?" >/dev/virtio-ports/kvmtime.out
	echo "kvt-guest: done"
	poweroff -f
fi
[ -e /dev/virtio-ports/kvmtime.clock ] && guest-clock /dev/virtio-ports/kvmtime.clock &
if [ "$(option agent)" != no ]; then
	# shellcheck disable=SC2046
	qemu-ga -m virtio-serial -p /dev/virtio-ports/org.qemu.guest_agent.0 \
		$(option agent_args | tr , ' ') &
fi
echo "kvt-guest: up"
while :; do
	sleep 3600 &
	wait $!
done
