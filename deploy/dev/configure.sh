# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Sourced by ./dev. Writes an instance's configuration from the templates in deploy/.

# Unix socket paths end at 107 bytes. A checkout in a deep folder gets a short one for its sockets.
choose_run() {
	run=$dir/run
	if [ ${#run} -le 72 ]; then
		mkdir -p "$run"
	else
		if [ ! -L "$run" ] || [ ! -d "$run" ]; then
			run=$(mktemp -d "${XDG_RUNTIME_DIR:-/tmp}/fp-XXXXXX")
			rm -rf "$dir/run"
			ln -s "$run" "$dir/run"
		fi
		run=$(readlink "$dir/run")
	fi
	mkdir -p "$run/nginx" # its inner sockets believe whoever connects: only nginx may
	chmod 700 "$run" "$run/nginx"
}

# put FILE: standard input becomes FILE, if that changes it (and stays as it is, with its time, if not)
put() {
	cat >"$1.new"
	if cmp -s "$1.new" "$1"; then rm "$1.new"; else mv "$1.new" "$1"; fi
}

# fill TEMPLATE FILE
fill() {
	local text name
	text=$(<"$root/deploy/$1")
	for name in "${!fills[@]}"; do
		text=${text//"@$name@"/"${fills[$name]}"}
	done
	if [[ $text =~ @[A-Z_]+@ ]]; then die "deploy/$1: nothing is known for ${BASH_REMATCH[0]}"; fi
	printf '%s\n' "$text" | put "$2"
}

configure_instance() {
	local part user_line="" mosquitto_user=""
	choose_run
	mkdir -p "$dir/etc" "$dir/data" "$dir/secrets" "$dir/log" "$dir/tmp/nginx" "$dir/agents"
	chmod 700 "$dir/data" "$dir/secrets"
	if [ "$(id -u)" = 0 ]; then # both would become somebody else, who may not read our folders
		user_line="user root root;"
		mosquitto_user="user root"
	fi
	declare -A fills=(
		[RUN]=$run [ETC]=$dir/etc [LOG]=$dir/log [TMP]=$dir/tmp/nginx [DATA]=$dir/data [SECRETS]=$dir/secrets
		[STATIC]=$build/static/dist [PAGES]=$root/deploy/nginx/pages [PLUGIN]=$build/.libs/fleetport-broker.so
		[PORT]=$port [URL_PORT]=:$port [LISTEN]=127.0.0.1:$port [CONNECT_TO]=127.0.0.1:$port
		[USER_HOST]=user.localhost [SUPPORT_HOST]=support.localhost [AGENTS_HOST]=agents.localhost
		[WORKERS]=2 [CONNECTIONS]=2000 [EXEMPT]="127.0.0.1 1;" [USER_LINE]=$user_line
		[NGINX_USER]=$(id -un) [DEMO]=$demo
	)
	fill fleetport.conf.in "$dir/etc/fleetport.conf"
	for part in stream http site headers maps fastcgi client; do
		fill nginx/$part.conf.in "$dir/etc/nginx-$part.conf"
	done
	fill nginx/nginx.conf.in "$dir/etc/nginx.conf"
	fills[USER_LINE]=$mosquitto_user
	fill mosquitto/mosquitto.conf.in "$dir/etc/mosquitto.conf"
	put "$dir/etc/mosquitto.acl" <"$root/deploy/mosquitto/mosquitto.acl"
}

# Whose certificates the broker takes: agents', and the one of `dispatch`.
configure_broker_ca() {
	cat "$dir/secrets/agents-ca.pem" "$dir/secrets/server-ca.pem" | put "$dir/etc/mqtt-clients-ca.pem"
}

# stamp FILE …: a word that changes when one of them does
stamp() {
	stat -c '%n %s %Y' "$@" 2>/dev/null | cksum | tr ' ' -
}

# program NAME STAMP-FILES -- COMMAND …: a line of the supervisor's table
program() {
	local name=$1 files=()
	shift
	while [ "$1" != -- ]; do
		files+=("$1")
		shift
	done
	shift
	printf '%s\t%s' "$name" "$(stamp "$1" "${files[@]}")"
	printf '\t%s' "$@"
	printf '\n'
}

# The supervisor's table. The first is ended last: the others record their end with it.
write_programs() {
	local name line conf=$dir/etc/fleetport.conf
	{
		program audit "$conf" -- "$build/fleetport-audit" --config "$conf"
		for name in enroll ingest user support dispatch; do
			program $name "$conf" -- "$build/fleetport-$name" --config "$conf"
		done
		program mosquitto "$dir"/etc/mosquitto.* "$dir/etc/mqtt-clients-ca.pem" "$dir/secrets/server.pem" \
			"$build/.libs/fleetport-broker.so" -- "$(command -v mosquitto || echo /usr/sbin/mosquitto)" \
			-c "$dir/etc/mosquitto.conf"
		program nginx "$dir"/etc/nginx*.conf "$dir/secrets/server.pem" "$dir/secrets/agents-ca.pem" -- \
			"$(command -v nginx || echo /usr/sbin/nginx)" -p "$dir" -c "$dir/etc/nginx.conf" -e stderr
		# Simulators and collectors: each wrote its own line (deploy/dev/instance.mjs).
		for name in "$dir"/etc/programs.d/*; do
			[ -f "$name" ] || continue
			IFS=$'\t' read -r -a line <"$name"
			program "${line[@]}"
		done
	} | put "$dir/programs"
}
