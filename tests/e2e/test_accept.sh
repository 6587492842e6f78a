#!/usr/bin/env bash
# accept.conf: a known finding becomes a count, in every output and for the exit status.
# shellcheck source-path=SCRIPTDIR disable=SC2016
. "${KVT_SOURCE:?}/tests/e2e/tap.sh" || exit 1

machine=$KVT_SOURCE/data/machines/guest-two-daemons.record
ids() {
	"$kvmtime" check --json "$@" "$machine" | /usr/bin/python3 -c '
import json, sys
d = json.load(sys.stdin)
print(" ".join(f["id"] for f in d["findings"]), "|", " ".join(f["id"] for f in d["accepted"]), "|",
      d["counts"]["found"], d["counts"]["accepted"])'
}
put() { printf '%b' "$1" >"$tmp/known.conf"; }

before=$("$kvmtime" check --json "$machine" | /usr/bin/python3 -c '
import json, sys
print(" ".join(f["id"] + ":" + f["severity"] for f in json.load(sys.stdin)["findings"]))')
like "the machine has its finding" "$before" 'KVT-0302:medium'
put '[KVT-0302]\nscope = machine\nreason = both are wanted\nuntil = 2999-12-31\n'
"$kvmtime" check --accept "$tmp/known.conf" "$machine" >"$tmp/text"
is "the text shows it no more" "$(grep -c KVT-0302 "$tmp/text")" 0
like "it is counted" "$(tr '\n' ' ' <"$tmp/text")" ', 1 accepted[.]'
like "-v names it with its reason" "$("$kvmtime" check -v --accept "$tmp/known.conf" "$machine" | tr -s ' \n' ' ')" \
	'known KVT-0302 .*both are wanted .*known[.]conf:1, until 2999-12-31'
like "JSON has it apart, and counts it" "$(ids --accept "$tmp/known.conf")" '[|] KVT-0302 [|] [0-9]+ 1$'
"$kvmtime" check --json --accept "$tmp/known.conf" "$machine" >"$tmp/json"
ok "JSON is valid" "$KVT_SOURCE/tests/e2e/validate.py" kvmtime.check.1 <"$tmp/json"
"$kvmtime" check -q "$machine"
is "-q: without the file it is a finding" $? 1
for id in $before; do
	case $id in
	*:info) continue ;;
	esac
	scope=$("$kvmtime" explain "${id%:*}" | sed -n "s/^  scope: //p")
	printf '[%s]\nscope = %s\nreason = r\n' "${id%:*}" "$scope"
done >"$tmp/all.conf"
"$kvmtime" check -q --accept "$tmp/all.conf" "$machine"
is "-q: with all accepted the exit status is 0" $? 0

put '[KVT-0302]\nscope = machine\nreason = was wanted\nuntil = 2020-02-29\n'
"$kvmtime" check --accept "$tmp/known.conf" "$machine" >"$tmp/text" 2>"$tmp/said"
is "what has lapsed is a finding again" $? 1
like "and that is told" "$(cat "$tmp/said")" 'known[.]conf:1: KVT-0302 was accepted until 2020-02-29 and counts again [(]was wanted'
like "in the text too" "$(cat "$tmp/text")" 'state +was accepted until 2020-02-29'
"$kvmtime" check --json --accept "$tmp/known.conf" "$machine" >"$tmp/json" 2>/dev/null
like "and in JSON" "$(tr -d ' \n' <"$tmp/json")" '"accepted_until":"2020-02-29"'

put '[KVT-0302]\nscope = machine other-*\nreason = r\n'
is "a name that is not the target's accepts nothing" "$(ids --accept "$tmp/known.conf" | grep -c '| 0$\|0$')" 1

put '[KVT-0302]\nscope = machine\nreason = r\nuntil = soon\n'
"$kvmtime" check --accept "$tmp/known.conf" "$machine" >/dev/null 2>"$tmp/said"
is "a bad file is bad input" $? 4
like "with its line" "$(cat "$tmp/said")" 'known[.]conf:4: until takes a day'
"$kvmtime" check --accept "$tmp/none.conf" "$machine" >/dev/null 2>"$tmp/said"
is "a file that was named and is not there is refused" $? 3

# ---- this machine's own file: /etc is another folder for this process alone ----

mkdir -p "$tmp/etc/kvmtime" "$tmp/data/rules" "$tmp/data/messages"
cat >"$tmp/data/rules/10-test.rules" <<'RULES'
[KVT-9001]
title    = A kernel runs here
scope    = machine
machine.kernel.release not absent
severity = high
why      = a test
who      = guest
fix      = rtc-utc
source   = this test
checked  = 2026-11-20
RULES
cp "$KVT_SOURCE/data/messages/10-kernel-clock.messages" "$tmp/data/messages"
printf '[KVT-9001]\nscope = machine\nreason = it has to\n' >"$tmp/etc/kvmtime/accept.conf"
with_etc() {
	KVT_DATA=$tmp/data unshare -m sh -c 'mount --bind "$0" /etc && exec "$@"' "$tmp/etc" "$@"
}
if [ "$(id -u)" = 0 ] && with_etc true 2>/dev/null; then
	like "/etc/kvmtime/accept.conf speaks for this machine" "$(with_etc "$kvmtime" check)" '1 accepted'
	with_etc "$kvmtime" check -q
	is "and for the exit status" $? 0
	is "not for another target" "$(with_etc "$kvmtime" check "$machine" 2>&1 | grep -c accepted)" 0
	like "fix leaves it alone, and says so" "$(with_etc "$kvmtime" fix)" '^accepted +KVT-9001'
	like "fix does it if its id is named" "$(with_etc "$kvmtime" fix KVT-9001)" 'do +rtc-utc'
	printf '[KVT-9001]\n' >"$tmp/etc/kvmtime/accept.conf"
	with_etc "$kvmtime" check >/dev/null 2>"$tmp/said"
	is "a bad one is bad input" $? 4
	like "it is named" "$(cat "$tmp/said")" '/etc/kvmtime/accept.conf:1: KVT-9001 has no reason'
	with_etc "$kvmtime" fix >/dev/null 2>&1
	is "for fix too" $? 4
else
	skip "/etc/kvmtime/accept.conf speaks for this machine" "no root, or no mount namespace"
fi
finish
