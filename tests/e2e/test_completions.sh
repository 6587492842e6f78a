#!/usr/bin/env bash
# Completions of bash, zsh and fish offer what --help lists. Each is tried by its own shell.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
made=$KVT_BUILD/tools

bash_offers() { # words typed so far: what bash offers, a line each
	(
		# shellcheck disable=SC1091
		. "$made/kvmtime"
		compopt() { :; } # only inside a real completion
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
		_kvmtime
		printf '%s\n' "${COMPREPLY[@]}"
	)
}

verbs=$("$kvmtime" --help | sed -n 's/^  \([a-z]\{2,\}\) .*/\1/p')
is "bash offers every verb" "$(bash_offers kvmtime '' | grep -v '^--' | sort)" "$(sort <<<"$verbs")"
for verb in $verbs; do
	"$kvmtime" "$verb" --help | grep -oE '^  (-[a-z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort -u >"$tmp/help"
	bash_offers kvmtime "$verb" '' | grep -oE -- '^--[a-z-]+' | sort -u >"$tmp/offered"
	is "bash: no option of $verb is left out" "$(comm -23 "$tmp/help" "$tmp/offered")" ""
done
is "bash offers the kinds of vm" "$(bash_offers kvmtime vm '' | grep -v '^-' | tr '\n' ' ')" "show convert policy "
is "bash offers finding ids" "$(bash_offers kvmtime explain KVT-0301)" "KVT-0301"
is "bash offers nothing for a verb that is none" "$(bash_offers kvmtime nothing --)" ""

if command -v zsh >/dev/null; then
	ok "zsh takes its file" zsh -n "$made/_kvmtime"
else
	skip "zsh takes its file" "no zsh"
fi
if command -v fish >/dev/null; then
	fish_offers() { HOME=$tmp fish --no-config -c "source $made/kvmtime.fish; complete -C'$1'" | cut -f 1; }
	is "fish offers every verb" "$(fish_offers 'kvmtime ' | sort)" "$(sort <<<"$verbs")"
	is "fish offers check's options" "$(fish_offers 'kvmtime check --fac')" "--facts"
else
	skip "fish offers every verb" "no fish"
fi
finish
