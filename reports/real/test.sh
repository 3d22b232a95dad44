#!/bin/sh
# Tests of reports and metrics against the real programs: Debian's Prometheus scrapes a
# live calibration and answers every panel and rule, Chromium opens the reports,
# axe-core judges them. Installs what is missing, so it wants root or sudo the first
# time. Screenshots are left in REPORT_SHOTS, by default in the cache folder.
set -eu
cd "$(dirname "$0")/../.."

cannot() {
	echo "real tests: error: cannot install $1: $2" >&2
	exit 5
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() {
	command -v apt-get >/dev/null 2>&1 || cannot "$1" "no apt-get here; install them by hand"
	as_root apt-get update -qq || cannot "$1" "apt-get update failed (it needs root or sudo, and a network)"
	# shellcheck disable=SC2086 # a list of packages
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $1 >/dev/null ||
		cannot "$1" "apt-get install failed"
}

missing=""
for pair in prometheus:prometheus promtool:prometheus prometheus-pushgateway:prometheus-pushgateway chromium:chromium node:nodejs npm:npm; do
	command -v "${pair%%:*}" >/dev/null 2>&1 || case " $missing " in *" ${pair##*:} "*) ;; *) missing="$missing ${pair##*:}" ;; esac
done
if [ -n "$missing" ]; then
	echo "real tests: installing$missing"
	install_packages "${missing# }"
fi

modules="${XDG_CACHE_HOME:-$HOME/.cache}/ftadvise/browser"
if [ ! -f "$modules/.puppeteer-24.10.0-axe-4.14.1" ]; then
	mkdir -p "$modules"
	echo "real tests: installing puppeteer-core and axe-core"
	(cd "$modules" && npm install --no-save --no-package-lock --no-audit --no-fund --loglevel=error puppeteer-core@24.10.0 axe-core@4.14.1 >/dev/null) ||
		cannot "puppeteer-core and axe-core" "npm install failed (it needs a network)"
	touch "$modules/.puppeteer-24.10.0-axe-4.14.1"
fi

shots="${REPORT_SHOTS:-${XDG_CACHE_HOME:-$HOME/.cache}/ftadvise/shots}"
mkdir -p "$shots"
REPORT_SHOTS="$(cd "$shots" && pwd)"
export REPORT_SHOTS BROWSER_MODULES="$modules"
exec "${GO:-go}" test -count=1 -p 1 -tags real -run 'Real' -v "$@" ./reports ./reports/metrics ./reports/dashboard
