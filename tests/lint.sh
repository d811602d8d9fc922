#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# lint.sh BUILD: layers, formatting, shell scripts, cppcheck, clang-tidy. One line of TAP a check.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
build=$1
out=$(mktemp)
trap 'rm -f "$out"' EXIT
number=0

check() { # WORDS COMMAND …
	local words=$1
	shift
	number=$((number + 1))
	if "$@" >"$out" 2>&1; then
		echo "ok $number - $words"
	else
		echo "not ok $number - $words"
		sed 's/^/# /' "$out" | head -n 100
	fi
}

ours() { git ls-files -- '*.c' '*.h'; }
flags() {
	# net-snmp has no .pc file; its header needs nothing special
	echo "-std=c17 -D_GNU_SOURCE -DHAVE_CONFIG_H -DLOCALEDIR=NULL -I. -I$build $(pkg-config --cflags libsodium libcjson sqlite3 \
		libmosquitto libcurl openssl inih libutf8proc cmocka)"
}

formatted() { ours | grep -v -x 'db/sql.h' | xargs clang-format --dry-run --Werror; }
scripts() {
	local scripts
	mapfile -t scripts < <(git ls-files | while read -r file; do
		case $(head -c 64 "$file" 2>/dev/null | tr -d '\0' | head -n 1) in '#!'*bash* | '#!/bin/sh'*) echo "$file" ;; esac
	done)
	shellcheck -x "${scripts[@]}"
}
# A number is one decision, its file says it, and the list names it under its title.
decisions() {
	local file number line status=0
	for file in docs/decisions/[0-9]*.md; do
		number=$(basename "$file" | cut -c 1-3)
		line="| $number | [$(sed -n "1s/^# $number: //p" "$file")]($(basename "$file")) |"
		if ! grep -qxF -- "$line" docs/decisions/README.md; then
			echo "docs/decisions/README.md lacks: $line"
			status=1
		fi
	done
	# what it lists is there, each number once
	while read -r number; do
		set -- docs/decisions/"$number"-*.md
		if [ $# -ne 1 ] || [ ! -f "$1" ]; then
			echo "decision $number has not one file: $*"
			status=1
		fi
	done < <(sed -n 's/^| \([0-9]*\) .*/\1/p' docs/decisions/README.md)
	return $status
}
cpp_check() {
	git ls-files -- 'lib/*.c' 'db/*.c' 'core/*.c' 'web/*.c' 'templates/*.c' 'cgi/*.c' 'daemons/*.c' 'agents/*.c' \
		'cli/*.c' 'deploy/*.c' 'demo/*.c' |
		cppcheck -q -j 2 --file-list=- --std=c11 -D_GNU_SOURCE -I. -I"$build" --error-exitcode=1 --inline-suppr \
			--enable=warning,portability --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
			--suppressions-list=tests/cppcheck.suppressions
}
tidy() {
	# shellcheck disable=SC2046
	git ls-files -- 'lib/*.c' 'db/*.c' 'core/*.c' 'web/*.c' 'templates/*.c' 'cgi/*.c' 'daemons/*.c' 'agents/*.c' \
		'cli/*.c' 'deploy/*.c' 'demo/*.c' |
		grep -v -x lib/error.c |
		xargs -P "$(nproc)" -n 2 sh -c 'clang-tidy --quiet "$@" -- -include tests/helpers/analyzer.h '"$(flags)"' -Xclang -analyzer-config -Xclang max-nodes=30000 2>/dev/null' tidy
}

check "includes run one way, and nothing banned is called" tests/layers.sh .
check "C is formatted by .clang-format" formatted
check "manual pages say what programs take" tests/man.sh "$build"
check "decisions are listed, a number each" decisions
check "./dev refuses in a sentence what cannot work" tests/dev.sh
check "the tests are counted right" tests/tally.sh
check "shell scripts please shellcheck" scripts
check "cppcheck finds nothing" cpp_check
check "clang-tidy finds nothing" tidy
echo "1..$number"
