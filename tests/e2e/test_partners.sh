#!/usr/bin/env bash
# The real partners that other tests build on: a booted Linux guest and a libvirt daemon.
# shellcheck source-path=SCRIPTDIR
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
. "${KVT_SOURCE:?}/tests/partners/guest.sh"
. "${KVT_SOURCE:?}/tests/partners/libvirt.sh"
ask=$KVT_SOURCE/tests/partners/ask.py

echo text >"$tmp/file"
why=$(guest_missing)
if [ -n "$why" ]; then
	skip "a Linux guest boots" "$why"
else
	status=0
	answer=$(guest_run 120 'cat /data/file; true && hwclock >/dev/null && chronyd --version && expr 1 + 1; exit 3' \
		"$tmp/file:data/file" /usr/bin/expr) || status=$?
	is "a guest's command gives its status" $status 3
	like "a file stands in the guest" "$answer" '^text$'
	like "chronyd and a program with libraries run in the guest" "$answer" '^2$'
	ok "a guest starts" guest_start "$tmp/g"
	like "its agent answers" "$("$ask" agent "$tmp/g/qga" guest-get-osinfo)" '"id": "debian"'
	like "its clock is read without the agent" "$("$ask" clock "$tmp/g/clock" 20)" '^-?[0-9]+ [0-9]+$'
	like "its QMP answers" "$("$ask" qmp "$tmp/g/qmp" query-status)" '"running": true'
	guest_stop "$tmp/g"
fi

[ -n "$why" ] || why=$(libvirt_missing)
if [ -n "$why" ]; then
	skip "libvirt starts a Linux guest" "$why"
else
	before=$(ls -d /run/libvirt /var/lib/libvirt /etc/libvirt/* 2>/dev/null)
	ok "a libvirt daemon starts" libvirt_start "$tmp/v"
	libvirt_uri="qemu+unix:///system?socket=$tmp/v/run/libvirt-sock"
	guest_xml partner "$tmp/v/partner.log" >"$tmp/v/partner.xml"
	ok "libvirt starts a Linux guest" virsh -c "$libvirt_uri" create "$tmp/v/partner.xml"
	for _ in $(seq 150); do
		answer=$(virsh -c "$libvirt_uri" domtime partner 2>&1) && break
		sleep 0.2
	done
	like "its agent answers through libvirt" "$answer" 'Time: [0-9]+'
	like "its clock is read without libvirt" "$("$ask" clock "$tmp/v/partner.clock" 20)" '^-?[0-9]+ [0-9]+$'
	libvirt_stop "$tmp/v"
	is "the machine's own libvirt folders are as before" \
		"$(ls -d /run/libvirt /var/lib/libvirt /etc/libvirt/* 2>/dev/null)" "$before"
fi
finish
