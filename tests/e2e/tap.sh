# shellcheck shell=bash
# Sourced by test scripts: TAP on stdout. A case is a function call that says what is true:
#   ok "fact" COMMAND...     passes if COMMAND exits 0
#   is "fact" GOT WANT       passes if the strings are equal
#   like "fact" TEXT REGEX   passes if TEXT matches the extended regular expression
#   skip "fact" REASON       a case that this machine cannot run
#   skip_all REASON          the whole program
#   finish                   last line: the plan
# KVT_SOURCE and KVT_BUILD name the folders; $tmp is a private folder that goes away.
set -u
tap_cases=0
tap_failed=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export kvmtime=${KVT_BUILD:?}/kvmtime
export NO_COLOR=1 LC_ALL=C.UTF-8

tap_result() { # status, fact, then what to show on failure
	tap_cases=$((tap_cases + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tap_cases $2"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_cases $2"
		shift 2
		printf '%s\n' "$@" | sed 's/^/# /'
	fi
}

ok() {
	local fact=$1 out status=0
	shift
	out=$("$@" 2>&1) || status=$?
	tap_result "$status" "$fact" "command: $*" "status: $status" "$out"
}

is() {
	local status=0
	[ "$2" = "$3" ] || status=1
	tap_result "$status" "$1" "got:  $2" "want: $3"
}

like() {
	local status=0
	printf '%s\n' "$2" | grep -Eq -e "$3" || status=1
	tap_result "$status" "$1" "text: $2" "pattern: $3"
}

skip() {
	tap_cases=$((tap_cases + 1))
	echo "ok $tap_cases $1 # SKIP $2"
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

finish() {
	echo "1..$tap_cases"
	[ "$tap_failed" = 0 ]
	exit
}
