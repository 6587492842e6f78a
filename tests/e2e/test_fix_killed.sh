#!/usr/bin/env bash
# kvmtime fix and undo, the programs as they are, killed before each of their writes in turn.
# shellcheck source-path=SCRIPTDIR disable=SC2001
. "${KVT_SOURCE:?}/tests/e2e/tap.sh" || exit 1
. "$KVT_SOURCE/tests/e2e/fix_tree.sh"
export TZ=UTC ASAN_OPTIONS=detect_leaks=0

killer=$KVT_BUILD/tests/e2e/kill_steps
case $("$killer" 1000 /bin/true) in
"ended 0 after"*) ;;
*) skip_all "no program may be traced here" ;;
esac

# one rule over several kinds of files, so that the program has little else to do
mkdir -p "$tmp/data/rules" "$tmp/data/messages"
cat >"$tmp/data/rules/10-test.rules" <<'RULES'
[KVT-9001]
title    = Words on the boot line
scope    = machine
machine.cmdline.notsc = yes
severity = high
why      = a test
who      = guest
fix      = boot-remove notsc; rtc-utc; sysctl-set kernel.test 1
source   = this test
checked  = 2026-11-20
RULES
cp "$KVT_SOURCE/data/messages/10-kernel-clock.messages" "$tmp/data/messages"
export KVT_DATA=$tmp/data

tree=$tmp/old
guest "$tree" 5.14.0-362.el9.x86_64 "notsc"
put "$tree/boot/grub/grub.conf" <<<$'title x\n\tkernel /vmlinuz ro notsc \\\n  quiet'
put "$tree/boot/loader/entries/1.conf" <<<"options ro notsc"
printf '0.0 0 0.0\n0\nLOCAL\n' | put "$tree/etc/adjtime"
mkdir -p "$tree/etc/sysctl.d"
dress "$tree"
cp -a "$tree" "$tmp/new"
"$kvmtime" fix --apply "$tmp/new" >/dev/null
is "the change makes four files other ones" \
	"$(diff -rq "$tmp/old" "$tmp/new" | grep -vc ': var$')" 4
old=$(manifest "$tmp/old")
new=$(manifest "$tmp/new" | sed 's/ 20[0-9][0-9]-.*//')

# Both verbs: what the tree is after the next run that opens the journal.
try() { # verb, step; the tree is in $tmp/tree
	local got now
	got=$("$killer" "$2" "$kvmtime" "$1" ${3:+"$3"} "$tmp/tree")
	"$kvmtime" undo --list -q "$tmp/tree" || echo "the next run fails after step $2 ($got)"
	now=$(manifest "$tmp/tree")
	case $got in
	ended*) ended=$got ;;
	esac
	if [ "$now" = "$old" ]; then
		olds=$((olds + 1))
	elif [ "$(sed 's/ 20[0-9][0-9]-.*//' <<<"$now")" = "$new" ]; then
		news=$((news + 1))
	else
		echo "a half tree after step $2 ($got)"
	fi
}

for verb in fix undo; do
	ended='' olds=0 news=0 step=0
	while [ -z "$ended" ] && [ $step -lt 500 ]; do
		step=$((step + 1))
		rm -rf "$tmp/tree"
		if [ $verb = fix ]; then
			cp -a "$tmp/old" "$tmp/tree"
			try fix $step --apply
		else
			cp -a "$tmp/new" "$tmp/tree"
			try undo $step
		fi
	done >"$tmp/said"
	is "$verb: killed before each write, the tree is the old or the new one" "$(cat "$tmp/said")" ""
	like "$verb: every step was tried, and the whole ends well" "$ended" '^ended 0 after [0-9]+ steps'
	like "$verb: both trees came up, in $((step - 1)) kills: $olds times the old, $news times the new" \
		"$((step > 20 && olds > 0 && news > 0))" '^1$'
done

# ---- a kill between the file and its folder's removal leaves no files of ours ----

is "no file of the change is left beside the others" \
	"$(find "$tmp/tree" -name '.*.kvmtime' | wc -l)" 0
finish
