#!/usr/bin/env bash
# Includes point down only. The order is DESIGN's picture; a folder may include those before it.
. "${KVT_SOURCE:?}/tests/e2e/tap.sh"
cd "$KVT_SOURCE/src" || exit 1

# folder: the folders whose headers it may include, beside its own
may() {
	case $1 in
	core) echo "" ;;
	devices) echo "core" ;;
	sys) echo "" ;;
	clock) echo "sys" ;;
	bench) echo "sys" ;;
	check) echo "sys bench" ;;
	vmdef) echo "sys check" ;;
	fix) echo "sys bench check vmdef" ;;
	sim) echo "sys" ;;
	lab) echo "sys bench check sim vmdef" ;;
	guests) echo "sys check vmdef" ;;
	cli) echo "sys clock bench check vmdef fix sim lab guests" ;;
	daemon) echo "sys check vmdef fix guests cli" ;;
	*) echo UNKNOWN ;;
	esac
}

for folder in */; do
	folder=${folder%/}
	allowed=$(may "$folder")
	is "src/$folder is a known layer" "$([ "$allowed" = UNKNOWN ] && echo no || echo yes)" yes
	wrong=$(grep -rn '^#include "[a-z]*/' "$folder" --include='*.[ch]' |
		while IFS=: read -r file line text; do
			other=${text#*\"}
			other=${other%%/*}
			case " $folder $allowed " in *" $other "*) ;; *) echo "$file:$line: $text" ;; esac
		done)
	is "src/$folder includes nothing from above" "$wrong" ""
done

for folder in core devices; do
	is "src/$folder uses no host header" "$(grep -rnE '^#include <' $folder --include='*.[ch]' |
		grep -vE '<(kvmtime/.*|std(def|int|bool)\.h)>')" ""
done
is "public headers include nothing private" \
	"$(grep -rn '^#include "' ../include --include='*.h')" ""
is "no source climbs with ../" "$(grep -rn '^#include "\.\./' . --include='*.[ch]')" ""
finish
