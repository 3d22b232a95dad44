#!/bin/sh
# Prints a Python that has the packages of peers.txt, in a virtual environment of its own
# in ${XDG_CACHE_HOME:-~/.cache}/ftadvise; installs them on first use (about 5 GB on disk).
#
#   "$(peers.sh)" reference.py
#
# Only the goldens, the parity tables and the benchmarks need it: no build and no test does.
# PEERS names a Python that has the packages already.
set -eu

python=${PYTHON:-python3}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cache=${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/ftadvise

say() { printf 'peers: %s\n' "$*" >&2; }
fail() {
	printf 'peers: error: %s\n' "$1" >&2
	printf 'peers: hint: %s\n' "$2" >&2
	exit 5
}

install_peers() {
	say "installing transformers, PEFT and PyTorch in $1 (about 5 GB, once for all clones)"
	rm -rf "$1"
	"$python" -m venv "$1" >&2 || fail "$python cannot make a virtual environment" "Debian, Ubuntu: apt install python3-venv"
	"$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir -r "$here/peers.txt" >&2 ||
		fail "the packages of peers.txt could not be installed" "check the network and the disk and run again, or set PEERS"
	# Written last: without it the folder counts as half made. A virtual environment cannot be
	# renamed into place, since its programs carry its path.
	touch "$1/complete"
}

if [ -n "${PEERS:-}" ]; then
	printf '%s\n' "$PEERS"
	exit 0
fi
command -v "$python" >/dev/null 2>&1 || fail "no $python" "install Python 3.10 or newer, or set PYTHON"
home=$cache/peers-$(sha256sum "$here/peers.txt" | cut -c1-12)
if [ ! -e "$home/complete" ]; then
	mkdir -p "$cache"
	(
		flock 9
		[ -e "$home/complete" ] || install_peers "$home"
	) 9>"$home.lock" || exit $?
fi
printf '%s\n' "$home/bin/python"
