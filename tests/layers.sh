#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Holds the layers: which way #include runs (docs: architecture), which one file sees a foreign header, which
# functions are not used at all. Prints each breach as FILE:LINE: words; ends with 1 if there is one.
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"

breaches=0
breach() {
	printf '%s\n' "$1"
	breaches=$((breaches + 1))
}

sources() {
	find "$@" \( -name '*.c' -o -name '*.h' \) -not -path './.dev/*' 2>/dev/null | LC_ALL=C sort
}

# Who may import whom: layer, then the folders that it may name. (A folder may always name itself.)
allowed() {
	case $1 in
	lib) echo lib ;;
	db) echo db lib ;;
	core) echo core db lib ;;
	web) echo web lib ;;
	templates) echo templates web lib core ;; # core: headers for types, checked below
	cgi) echo cgi core web templates db lib ;;
	daemons) echo daemons core web templates db lib ;;
	cli) echo cli core web templates db lib ;;
	agents) echo agents lib ;;
	demo) echo demo agents lib ;;
	deploy) echo deploy lib ;;
	tests) echo tests lib db core web templates cgi daemons cli agents demo deploy ;;
	*) return 1 ;;
	esac
}

# Imports between programs run through nothing: cgi/user does not know cgi/support.
program_of() { # cgi/user/devices.c → user; cgi/guard.c → "" (shared)
	local rest=${1#*/}
	case $rest in */*) echo "${rest%%/*}" ;; *) echo "" ;; esac
}

check_includes() {
	local file line number name layer target from to
	while IFS=: read -r file number line; do
		file=${file#./}
		name=$(sed -n 's/.*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' <<<"$line")
		[ -n "$name" ] || continue
		case $name in config.h) continue ;; esac
		layer=${file%%/*}
		target=${name%%/*}
		if [ "$target" = "$name" ]; then
			breach "$file:$number: \"$name\" has no folder: write \"folder/file.h\""
			continue
		fi
		if ! grep -qw -- "$target" <<<"$(allowed "$layer")"; then
			breach "$file:$number: $layer must not import $target ($name)"
			continue
		fi
		case $layer in
		cgi | daemons)
			from=$(program_of "$file")
			to=$(program_of "$name")
			if [ "$layer" = "$target" ] && [ -n "$to" ] && [ "$from" != "$to" ]; then
				breach "$file:$number: sideways import between programs ($name)"
			fi
			;;
		templates)
			if [ "$target" = core ] && [ "${file##*.}" = c ] && ! grep -q '^templates/compiler' <<<"$file"; then
				breach "$file:$number: templates see core's types only through their own headers ($name)"
			fi
			;;
		esac
	done < <(sources lib db core web templates cgi daemons cli agents demo deploy tests | xargs grep -nH '#[[:space:]]*include[[:space:]]*"' || true)
}

# only HEADER-PATTERN FILE-PATTERN: nothing but those files sees such headers
only() {
	local file number line
	while IFS=: read -r file number line; do
		file=${file#./}
		[[ $file =~ $2 ]] || breach "$file:$number: only $2 may see ${line#*include }"
	done < <(sources lib db core web templates cgi daemons cli agents demo deploy tests |
		xargs grep -nHE "#[[:space:]]*include[[:space:]]*[<\"]($1)[>\"]" || true)
}

# never FUNCTION WHY: not called anywhere in what we ship
never() {
	local file number rest
	while IFS=: read -r file number rest; do
		breach "${file#./}:$number: $1(): $2"
	done < <(sources lib db core web templates cgi daemons cli agents demo deploy |
		xargs grep -nHE "(^|[^A-Za-z0-9_>.\"])$1[[:space:]]*\(" | grep -vE ':[[:space:]]*(\*|/\*|//)' || true)
}

check_includes
only 'sqlite3\.h' '^(db/sqlite[a-z_]*\.[ch]|tests/(helpers|bench)/.*)$'
only 'db/sqlite\.h' '^(db/.*|tests/unit/test_sql.*)$'
only 'db/sqlite_writer\.h' '^db/sqlite_writer(_[a-z]+)?\.c$'
only 'fcgiapp\.h|fcgi_stdio\.h' '^(web/fastcgi_request\.c|tests/bench/.*)$'
only 'web/fastcgi_internal\.h' '^web/fastcgi(_[a-z]+)?\.c$'
only 'microhttpd\.h' '^(web/httpd\.c|daemons/live/.*)$'
only 'sodium(/.*)?\.h' '^lib/crypto\.c$'
only '(cjson/)?cJSON\.h' '^lib/json_tree\.h$'
only 'lib/json_tree\.h' '^lib/json(_parse|_print)?\.c$'
only 'lib/report_reader\.h' '^lib/report_read(_[a-z]+)?\.c$'
only 'lib/json_scan\.h' '^lib/json(_[a-z]+)?\.c$'
only 'net-snmp/.*' '^agents/dc/snmp\.c$'
only 'mosquitto\.h' '^(lib/mqtt\.c|daemons/broker/plugin\.c|tests/bench/.*)$'
only 'mosquitto_(broker|plugin)\.h' '^daemons/broker/plugin\.c$'
only 'curl/.*' '^(lib/https\.c|tests/bench/.*)$'
only 'openssl/.*' '^lib/(x509|x509_peer|https)\.c$|^tests/bench/.*$|^tests/helpers/tls_server\.c$'
only 'ini\.h' '^lib/config\.c$'
only 'utf8proc\.h' '^lib/text\.c$'
only 'zlib\.h' '^lib/gzip\.c$|^tests/bench/.*$'
only 'cmocka\.h' '^tests/.*$'

never 'strcpy' 'has no bound'
never 'strcat' 'has no bound'
never 'strncpy' 'may leave no NUL'
never 'sprintf' 'has no bound: snprintf'
never 'vsprintf' 'has no bound: vsnprintf'
never 'gets' 'has no bound'
never 'scanf' 'hides overflow: lib/parse'
never 'sscanf' 'hides overflow: lib/parse'
never 'atoi' 'hides errors: lib/parse'
never 'atol' 'hides errors: lib/parse'
never 'atof' 'hides errors: lib/parse'
never 'strtok' 'keeps state: strsep'
never 'system' 'runs a shell'
never 'popen' 'runs a shell'
never 'mktemp' 'is a race: mkstemp'
never 'tmpnam' 'is a race: mkstemp'
never 'rand' 'is no randomness: lib/crypto'
never 'random' 'is no randomness: lib/crypto'
never 'localtime' 'is not for threads: localtime_r'
never 'gmtime' 'is not for threads: gmtime_r'
never 'asctime' 'is not for threads'
never 'ctime' 'is not for threads'
never 'FCGX_FPrintF' 'takes a format from a request'
never 'alloca' 'has no bound'

# Every source says its licence, and headers have our guard.
while read -r file; do
	file=${file#./}
	head -n 1 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || breach "$file:1: no licence line"
	if [ "${file##*.}" = h ]; then
		guard=FLEETPORT_$(tr 'a-z/.-' 'A-Z___' <<<"$file")
		grep -q "^#ifndef $guard\$" "$file" || breach "$file:1: no include guard $guard"
	fi
done < <(sources lib db core web templates cgi daemons cli agents demo deploy tests)

if [ $breaches -gt 0 ]; then
	echo "$breaches breaches"
	exit 1
fi
echo "the layers hold"
