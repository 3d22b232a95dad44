#!/usr/bin/env bash
# Writes the release archives: release.sh DIST "OS/ARCH ...". `make release` calls it.
#
# The pure program is cross-compiled for every platform. The engine is built for this one,
# against the libtorch that bin/libtorch.env names, and travels with libtorch.sh: on the
# other machine `./libtorch.sh link .` finds or installs the same release of libtorch.
# Equal sources, compilers and libtorch folder give equal archives: owners and times are fixed.
set -euo pipefail

dist=$1
platforms=$2
go=${GO:-go}
version=$(git describe --tags --always --dirty 2>/dev/null || echo devel)
when=$(git log -1 --format=%ct 2>/dev/null || echo 0)
# ftadvise version prints what Go records of the tag or commit.
stamp=$(git rev-parse HEAD >/dev/null 2>&1 && echo true || echo false)
setup=$(dirname "${BASH_SOURCE[0]}")

# archive NAME packs the folder DIST/NAME and removes it.
archive() {
	tar -C "$dist" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$when" -cf - "$1" | gzip -9n >"$dist/$1.tar.gz"
	rm -r "${dist:?}/$1"
}

# notices PACKAGE prints the licences of what is linked into a program: they ask for that.
notices() {
	printf 'What is linked into this program, besides its own code, and under which terms.\n'
	printf '\n== Go standard library and runtime, %s\n\n' "$($go env GOVERSION)"
	cat "$($go env GOROOT)/LICENSE"
	local list module dir files
	list=$($go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}|{{.Dir}}{{end}}{{end}}' "$1" | sort -u)
	while IFS='|' read -r module dir; do
		files=$(find "$dir" -maxdepth 1 -type f \( -iname 'licen[sc]e*' -o -iname 'notice*' -o -iname 'copying*' -o -iname 'patents*' \) | sort)
		[ -n "$files" ] || {
			echo "release: error: no licence in $dir" >&2
			return 1
		}
		printf '\n== %s\n\n' "$module"
		while read -r file; do cat "$file" && echo; done <<<"$files"
	done <<<"$list"
}

pure() {
	local name=ftadvise-$version-$1-$2
	mkdir -p "$dist/$name"
	CGO_ENABLED=0 GOOS=$1 GOARCH=$2 $go build -buildvcs="$stamp" -trimpath -ldflags '-s -w' -o "$dist/$name/ftadvise" ./cmd/ftadvise
	cp LICENSE README.md CHANGELOG.md "$dist/$name/"
	GOOS=$1 GOARCH=$2 CGO_ENABLED=0 notices ./cmd/ftadvise >"$dist/$name/NOTICES.txt"
	archive "$name"
}

engine() {
	# shellcheck disable=SC1091
	. bin/libtorch.env
	local name
	name=ftadvise-engine-$version-$($go env GOOS)-$($go env GOARCH)-libtorch-${FTADVISE_TORCH_RELEASE%%+*}
	mkdir -p "$dist/$name"
	$go build -buildvcs="$stamp" -trimpath -ldflags "$ENGINE_LDFLAGS" -o "$dist/$name/ftadvise-engine" ./cmd/ftadvise-engine
	cp LICENSE "$dist/$name/"
	notices ./cmd/ftadvise-engine >"$dist/$name/NOTICES.txt"
	sed "s/^version=.*/version=\${FTADVISE_TORCH:-${FTADVISE_TORCH_RELEASE%%+*}}/" "$setup/libtorch.sh" >"$dist/$name/libtorch.sh"
	chmod 755 "$dist/$name/libtorch.sh"
	cat >"$dist/$name/README.md" <<-TEXT
		# ftadvise-engine $version

		Built against libtorch $FTADVISE_TORCH_RELEASE. Before the first use, in this folder:

		    ./libtorch.sh link .

		It finds libtorch (\`FTADVISE_LIBTORCH\`, the active Python's torch, or a private copy that it
		installs) and makes \`libtorch\` here point to it. It has to be the same minor release: the
		C++ interface changes from one to the next. Then put \`ftadvise-engine\` and \`libtorch\`
		beside \`ftadvise\`, or name the engine by \`--engine\`.
	TEXT
	archive "$name"
}

rm -rf "$dist"
mkdir -p "$dist"
for platform in $platforms; do
	pure "${platform%/*}" "${platform#*/}"
done
engine
(cd "$dist" && sha256sum -- *.tar.gz >SHA256SUMS)
ls -l "$dist"
