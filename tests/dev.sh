#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dev.sh: what ./dev refuses, it refuses at once and in a sentence; nothing is built or started here.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd -P)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset FLEETPORT_DEV
bad=0

# copy FOLDER: the tool alone, in a checkout of that name
copy() {
	mkdir -p "$work/$1/deploy"
	cp "$root/dev" "$work/$1/"
	cp -R "$root/deploy/dev" "$work/$1/deploy/"
}

# refused EXIT WORDS FOLDER ARGUMENT …: it ends so, and says that, on standard error alone
refused() {
	local status=0 said want=$1 words=$2 folder=$3
	shift 3
	said=$("$work/$folder/dev" "$@" 2>&1 >/dev/null) || status=$?
	if [ "$status" != "$want" ] || [[ $said != *"$words"* ]] || [[ $said == *": line "* ]]; then
		printf 'dev.sh: ./dev %s in "%s" ended with %s: %s\n' "$*" "$folder" "$status" "$said" >&2
		bad=1
	fi
}

long=$(printf 'a%.0s' {1..150})
for folder in "two words" 'a&b' "it's" 'a\b' 'a#b' 'a:b'; do
	copy "$folder"
	refused 1 "the name of this folder has a blank" "$folder" status
done
copy "$long"
refused 1 "longer than 160 bytes" "$long" status

copy plain
refused 64 "./dev up" plain nonsense
refused 64 "./dev up" plain up --nonsense
refused 1 "not a port: nothing" plain up --port
for port in 0 65536 08443 many -1; do refused 1 "not a port: $port" plain up --port "$port"; done
refused 1 "no folder of recordings: nothing" plain up --recordings
refused 1 "no folder of recordings: $work/none" plain up --recordings "$work/none"
refused 1 "no log of none" plain logs none
[ "$("$work/plain/dev" status)" = "dev: down" ] && exit_of_status=0 || exit_of_status=$?
[ "$exit_of_status" = 0 ] || { echo "dev.sh: status says something else where nothing runs" >&2; bad=1; }
exit $bad
