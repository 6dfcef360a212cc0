# What the scripts beside this file share: where the project is, colours, steps with their duration, and free ports.
# Sourced by bash scripts, never run.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
jobs=2 # compilers and tests at once: sanitized builds are hungry, and small machines are normal

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
	bold=$'\033[1m' dim=$'\033[2m' red=$'\033[31m' green=$'\033[32m' plain=$'\033[0m'
else
	bold='' dim='' red='' green='' plain=''
fi

say() {
	printf '%s\n' "$*"
}

warn() {
	printf '%s\n' "$*" >&2
}

die() {
	printf '%s%s: %s%s\n' "$red" "${0##*/}" "$*" "$plain" >&2
	exit 1
}

# usage_error TEXT: a mistake on the command line, exit 2
usage_error() {
	printf '%s: %s (try --help)\n' "${0##*/}" "$*" >&2
	exit 2
}

# print_usage: the comment block at the head of the calling script is its manual
print_usage() {
	awk 'NR == 1 { next } !/^#/ { exit } /SPDX-License/ { next } { sub(/^# ?/, ""); print }' "$0"
}

now_ms() {
	date +%s%3N
}

# took SINCE_MS: "1.2 s", "3 min 4 s"
took() {
	local ms=$(($(now_ms) - $1))
	if [ "$ms" -lt 60000 ]; then
		printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100))
	else
		printf '%d min %d s' $((ms / 60000)) $((ms % 60000 / 1000))
	fi
}

# step TITLE COMMAND...: says what runs, runs it, says how long it took; the command's exit code
step() {
	local title=$1 started rc=0
	shift
	started=$(now_ms)
	printf '%s==> %s%s\n' "$bold" "$title" "$plain"
	"$@" || rc=$?
	if [ "$rc" -eq 0 ]; then
		printf '%s    %s: done in %s%s\n' "$dim" "$title" "$(took "$started")" "$plain"
	else
		printf '%s    %s: FAILED (exit %d) after %s%s\n' "$red" "$title" "$rc" "$(took "$started")" "$plain"
	fi
	return "$rc"
}

# build_preset NAME: configure and build, quietly unless something is wrong
build_preset() {
	local log=$root/build/$1.log
	mkdir -p "$root/build"
	if ! (cd "$root" && cmake --preset "$1" && cmake --build --preset "$1" -j "$jobs") >"$log" 2>&1; then
		cat "$log" >&2
		return 1
	fi
}

port_taken() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}
