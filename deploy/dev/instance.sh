# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Sourced by ./dev. The life of an instance: up, down, status, logs, reset.

ca() { printf '%s/secrets/server-ca.pem' "$dir"; }

# fetch HOST PATH [CURL-OPTION …]: the answer's status on the last line, its body before
fetch() {
	local host=$1 path=$2
	shift 2
	curl -sS --max-time 10 --cacert "$(ca)" --connect-to "::127.0.0.1:$port" -w '\n%{http_code}' "$@" \
		"https://$host:$port$path" 2>>"$dir/log/dev.log"
}

# wait_for SECONDS WHAT COMMAND …: tries until the command succeeds
wait_for() {
	local end=$((SECONDS + $1)) what=$2
	shift 2
	until "$@"; do
		if [ $SECONDS -ge $end ]; then
			instance_status >&2 || true
			die "waited in vain for $what; see ./dev logs"
		fi
		sleep 0.1
	done
}

supervisor_alive() { # its lock is held
	[ -f "$dir/supervise.pid" ] && ! flock -n "$dir/supervise.pid" true
}
supervisor_gone() { ! supervisor_alive; }

start_supervisor() {
	if supervisor_alive; then
		kill -HUP "$(<"$dir/supervise.pid")"
	else
		rm -f "$dir/status"
		setsid "$build/fleetport-supervise" "$dir" >>"$dir/log/supervise.log" 2>&1 </dev/null &
		wait_for 5 "the supervisor" supervisor_alive
	fi
}

# Every program of the table runs from the line that stands there now.
all_running() {
	local name stamp
	while IFS=$'\t' read -r name stamp _; do
		grep -q "^$name"$'\t'"$stamp"$'\trunning\t' "$dir/status" 2>/dev/null || return 1
	done <"$dir/programs"
}

answers() { # HOST PATH: by a program of ours, not by nginx for it
	[[ $(fetch "$1" "$2" | tail -n 1) == [23]?? ]]
}

# A TLS handshake that asks for MQTT, with a certificate that the broker takes, ends well.
broker_answers() {
	local said
	said=$(openssl s_client -connect "127.0.0.1:$port" -servername agents.localhost -alpn mqtt \
		-CAfile "$(ca)" -cert "$dir/secrets/dispatch.pem" -key "$dir/secrets/dispatch.key.pem" \
		</dev/null 2>&1) || true
	[[ $said == *"Verify return code: 0 (ok)"* ]]
}

port_is_free() {
	python3 - "$1" <<-'EOF'
		import socket, sys
		s = socket.socket()
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		try:
		    s.bind(("127.0.0.1", int(sys.argv[1])))
		except OSError:
		    sys.exit(1)
	EOF
}

# A port that nobody has now: free_port tcp|udp
free_port() {
	python3 - "$1" <<-'EOF'
		import socket, sys
		s = socket.socket(type=socket.SOCK_DGRAM if sys.argv[1] == "udp" else socket.SOCK_STREAM)
		s.bind(("127.0.0.1", 0))
		print(s.getsockname()[1])
	EOF
}

check_port() { # WORD
	if ! [[ $1 =~ ^[1-9][0-9]{0,4}$ ]] || [ "$1" -gt 65535 ]; then die "not a port: ${1:-nothing}"; fi
}

choose_port() {
	local before=""
	[ ! -f "$dir/port" ] || before=$(<"$dir/port")
	port=${wanted_port:-${before:-8443}}
	if [ "$port" != "$before" ] || supervisor_gone; then
		port_is_free "$port" || die "port $port is taken; try ./dev up --port N"
	fi
	echo "$port" | put "$dir/port"
}

instance_up() {
	local began=$SECONDS recordings=""
	demo=yes
	wanted_port=""
	while [ $# -gt 0 ]; do
		case $1 in
		--port) check_port "${2:-}"; wanted_port=$2; shift 2 ;;
		--recordings)
			[ -d "${2:-}" ] || die "no folder of recordings: ${2:-nothing}"
			recordings=$(cd "$2" && pwd -P)
			shift 2
			;;
		--no-demo) demo=no; shift ;;
		*) usage >&2; exit 64 ;;
		esac
	done
	exec 8>"$dir/up.lock"
	flock -n 8 || die "another ./dev up is at work here"
	install_packages up
	choose_port # before the build, which takes longer than to say that the port is taken
	say "building (log: $build.log)"
	build_in "$build"
	configure_instance
	"$root/deploy/dev/keys" "$dir" "$build"
	configure_broker_ca
	write_programs
	start_supervisor 8>&-
	wait_for 30 "the programs to start" all_running
	wait_for 30 "the user site" answers user.localhost /
	wait_for 30 "the support site" answers support.localhost /
	wait_for 30 "the agents' door" answers agents.localhost /v1/ca
	wait_for 30 "the broker" broker_answers
	if [ $demo = yes ]; then
		node "$root/demo/seed.mjs" "$dir" "$build"
		[ -z "$recordings" ] || node "$root/deploy/dev/recordings.mjs" "$dir" "$build" "$recordings"
		wait_for 30 "the collectors to start" all_running
		node "$root/deploy/dev/look.mjs" "$dir" "$build" "$(recorded)"
	fi
	say "up after $((SECONDS - began)) s"
	where_to_look
}

# How many recorded printers are collected.
recorded() {
	local list=$dir/agents/recordings/devices.conf
	if [ -f "$list" ]; then grep -c '^\[' "$list"; else echo 0; fi
}

where_to_look() {
	cat <<-EOF

		  user site     https://user.localhost:$port
		  support site  https://support.localhost:$port
		  certificate   $(ca) (a browser asks about it once)
	EOF
	[ ! -f "$dir/demo.json" ] || printf '  people        %s/demo.json (names and passwords)\n' "$dir"
	echo
}

# What the seeding scripts call after they wrote a program's line.
instance_reload() {
	choose_run
	write_programs
	kill -HUP "$(<"$dir/supervise.pid")"
}

instance_down() {
	if supervisor_gone; then
		say "nothing runs"
		return
	fi
	kill -TERM "$(<"$dir/supervise.pid")"
	wait_for 30 "the programs to end" supervisor_gone
	say "down"
}

instance_status() {
	if supervisor_gone; then
		say "down"
		return 3
	fi
	local name state pid restarts since exit _ port all=0
	port=$(<"$dir/port")
	say "https://user.localhost:$port and https://support.localhost:$port"
	printf '%-22s %-9s %8s %9s  %-20s %s\n' program state pid restarts since 'last exit'
	while IFS=$'\t' read -r name _ state pid restarts since exit; do
		printf '%-22s %-9s %8s %9s  %-20s %s\n' "$name" "$state" "$pid" "$restarts" \
			"$(date -d "@$((since / 1000))" '+%Y-%m-%d %H:%M:%S')" "$exit"
		[ "$state" = running ] || all=1
	done <"$dir/status"
	return $all
}

instance_logs() {
	local file=$dir/log/${1:-}.log
	if [ $# -eq 0 ]; then
		exec tail -n 20 -F "$dir"/log/*.log
	fi
	[ -f "$file" ] || die "no log of $1; there are: $(cd "$dir/log" 2>/dev/null && printf '%s ' *.log | sed 's/\.log / /g')"
	exec tail -n 100 -F "$file"
}

# Data, keys and configuration go; what is built stays.
instance_reset() {
	supervisor_gone || instance_down
	if [ -L "$dir/run" ]; then rm -rf "$(readlink "$dir/run")"; fi
	find "$dir" -mindepth 1 -maxdepth 1 ! -path "$build" ! -path "$build*.log" ! -name 'build-*' -exec rm -rf {} +
	say "reset"
}
