#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# man.sh [BUILD]: every program that is built has a manual page, every page is clean roff, and every option
# and command that --help names stands in it.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd -P)
build=${1:-.}
bad=0

complain() {
	printf 'man.sh: %s\n' "$*" >&2
	bad=1
}

# page FILE: its text, without the marks of bold type
page() {
	groff -man -mdoc -Tutf8 -rLL=200n "$1" 2>/dev/null | sed 's/\x1b\[[0-9;]*m//g; s/.\x08//g'
}

check_words() { # PROGRAM PAGE WORDS...: each stands in the page
	local program=$1 text=$2 word
	shift 2
	for word in "$@"; do
		grep -qF -- "$word" <<<"$text" || complain "$program: its manual does not name $word"
	done
}

for file in "$root"/docs/man/*.[1-8]; do
	warnings=$(groff -mdoc -ww -z "$file" 2>&1) || true
	[ -z "$warnings" ] || complain "$(basename "$file"): $warnings"
done

for program in "$build"/fleetport "$build"/fleetport-*; do
	name=$(basename "$program")
	[[ -f $program && -x $program && $name != *.* ]] || continue
	help=$("$program" --help 2>/dev/null) || continue # helpers of the build and of dev have none
	[[ $help == Usage:* ]] || continue
	file=$(find "$root/docs/man" -name "$name.[1-8]")
	if [ -z "$file" ]; then
		complain "$name has no manual page"
		continue
	fi
	text=$(page "$file")
	mapfile -t words < <(grep -oE -- '--[a-z][a-z-]+' <<<"$help" | sort -u)
	check_words "$name" "$text" "${words[@]}"
done

if [ -x "$build/fleetport" ]; then
	text=$(page "$root/docs/man/fleetport.1")
	while read -r noun verb _; do
		[[ $noun =~ ^[a-z]+$ ]] || continue
		[[ $noun == init || $noun == doctor ]] && verb=
		check_words fleetport "$text" "$noun${verb:+ $verb}"
		# shellcheck disable=SC2086
		mapfile -t words < <("$build/fleetport" $noun $verb --help | grep -oE -- '--[a-z][a-z-]+' | sort -u)
		check_words "fleetport $noun $verb" "$text" "${words[@]}"
	done < <("$build/fleetport" --help | sed -n 's/^  \([a-z].*\)/\1/p')
fi
exit $bad
