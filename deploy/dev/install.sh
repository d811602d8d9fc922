# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Sourced by ./dev. Installs what is missing, and nothing else; starts no service of Debian's.

# wanted KIND …: the packages of these kinds, one a line
wanted() {
	local kind
	for kind in "$@"; do
		sed -n "s/^$kind //p" "$root/deploy/dev/packages"
	done
	# Node: a newer one that is there already is as good.
	if ! command -v node >/dev/null; then echo nodejs; fi
	if ! command -v npm >/dev/null; then echo npm; fi
}

# missing PACKAGE …: those that are not installed
missing() {
	local package
	for package in "$@"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "packages are missing, and neither root nor sudo is there to install them: $missing_packages"
	fi
}

# While packages are installed, a policy says that services are not to be started (Debian policy 9.3.3).
install_packages() {
	local policy=/usr/sbin/policy-rc.d
	# shellcheck disable=SC2046
	missing_packages=$(missing $(wanted "$@") | tr '\n' ' ')
	[ -n "$missing_packages" ] || return 0
	command -v apt-get >/dev/null || die "this needs Debian's packages: $missing_packages"
	say "installing $missing_packages"
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
		as_root chmod 755 $policy
		trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
	fi
	# The lists may be older than what the mirror still has: refresh them once, then install.
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update >>"$dir/install.log" 2>&1 ||
		say "apt-get update failed; trying with the lists that are there"
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Options::=--force-confold \
		install --no-install-recommends $missing_packages >>"$dir/install.log" 2>&1 || {
		tail -n 20 "$dir/install.log" >&2
		die "packages could not be installed (all of it: $dir/install.log)"
	}
	if [ -n "$(trap -p EXIT)" ]; then
		as_root rm -f $policy
		trap - EXIT
	fi
}
