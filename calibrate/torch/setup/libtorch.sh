#!/bin/sh
# Finds libtorch, or installs it for this user, and writes the environment that
# lets cgo compile and link gotch and the engine against it.
#
#   libtorch.sh env FILE      find or install, write FILE (shell `export` lines)
#   libtorch.sh where         find or install, print the folder that holds lib/ and include/
#   libtorch.sh link DIR      find or install, make DIR/libtorch point to that folder
#
# Where libtorch is looked for, in this order:
#   1. FTADVISE_LIBTORCH, else LIBTORCH: an unpacked libtorch, a Python's torch folder,
#      a site-packages folder or a virtual environment;
#   2. the active Python's torch (PYTHON, else python3), when its version is 2.8 to 2.15;
#   3. a private copy in ${XDG_CACHE_HOME:-~/.cache}/ftadvise, installed on first use and
#      shared by every clone. FTADVISE_TORCH picks its version (2.11.0).
#      FTADVISE_CUDA=1 fetches the CUDA libraries too (about 3 GB), 0 never does;
#      without it they are fetched where an NVIDIA device is present.
# FTADVISE_PRIVATE=1 goes straight to the private copy.
#
# Needs no root and changes nothing outside the cache folder and FILE.
set -eu

version=${FTADVISE_TORCH:-2.11.0}
oldest=8
newest=15
python=${PYTHON:-python3}
cxx=${CXX:-g++}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}/ftadvise
# In a shell that has read FILE, CXX is the wrapper already.
case $cxx in "$cache"/*) cxx=${FTADVISE_CXX:-g++} ;; esac

say() { printf 'libtorch: %s\n' "$*" >&2; }

# fail WHAT HINT ends with 5, ftadvise's exit code for a lacking environment.
fail() {
	printf 'libtorch: error: %s\n' "$1" >&2
	printf 'libtorch: hint: %s\n' "$2" >&2
	exit 5
}

# usable DIR: it holds what compiling and linking needs.
usable() {
	[ -e "$1/lib/libtorch_cpu.so" ] && [ -e "$1/lib/libc10.so" ] && [ -e "$1/include/ATen/ATen.h" ]
}

# folder_of DIR prints the libtorch folder that DIR is or holds.
folder_of() {
	for dir in "$1" "$1/torch" "$1"/lib/python3*/site-packages/torch; do
		if usable "$dir"; then
			(CDPATH='' cd -- "$dir" && pwd -P)
			return 0
		fi
	done
	return 1
}

# version_of DIR prints a release such as 2.11.0+cu130, from the wheel or from the archive.
version_of() {
	if [ -e "$1/version.py" ]; then
		sed -n "s/^__version__ = '\(.*\)'.*/\1/p" "$1/version.py"
	elif [ -e "$1/build-version" ]; then
		head -n 1 "$1/build-version"
	elif [ -e "$1/../build-version" ]; then
		head -n 1 "$1/../build-version"
	fi
}

# minor_of VERSION prints the 11 of 2.11.0+cu130, nothing for a release other than 2.x.
minor_of() { printf '%s\n' "$1" | sed -n 's/^2\.\([0-9][0-9]*\).*/\1/p'; }

supported() {
	minor=$(minor_of "$1")
	[ -n "$minor" ] && [ "$minor" -ge "$oldest" ] && [ "$minor" -le "$newest" ]
}

# missing_libraries DIR [LIBRARY] prints the shared libraries that libtorch_cpu.so, or another, asks for in vain.
missing_libraries() {
	ldd "$1/lib/${2:-libtorch_cpu.so}" 2>/dev/null | sed -n 's/^[[:space:]]*\([^ ]*\) => not found.*/\1/p' | sort -u
}

# named DIR checks a folder that the user named: no second choice is made behind their back.
named() {
	dir=$(folder_of "$1") ||
		fail "$1 holds no libtorch (lib/libtorch_cpu.so and include/ATen/ATen.h)" \
			"point FTADVISE_LIBTORCH at an unpacked libtorch or at a Python's torch folder, or unset it"
	found=$(version_of "$dir")
	supported "$found" ||
		fail "$dir is libtorch ${found:-of unknown version}" "ftadvise needs 2.$oldest to 2.$newest"
	lacking=$(missing_libraries "$dir" | tr '\n' ' ')
	[ -z "$lacking" ] ||
		fail "$dir/lib/libtorch_cpu.so needs ${lacking% }, not found" \
			"install the NVIDIA runtime packages of that torch, or unset FTADVISE_LIBTORCH"
	printf '%s\n' "$dir"
}

# python_torch prints the active Python's torch folder without importing it.
python_torch() {
	command -v "$python" >/dev/null 2>&1 || return 1
	site=$("$python" - 2>/dev/null <<-'PY'
		import importlib.util
		spec = importlib.util.find_spec("torch")
		print(spec.submodule_search_locations[0] if spec else "")
	PY
	) || return 1
	[ -n "$site" ] && dir=$(folder_of "$site") || return 1
	found=$(version_of "$dir")
	if ! supported "$found"; then
		say "passing over $dir: version ${found:-unknown}, 2.$oldest to 2.$newest is needed"
		return 1
	fi
	lacking=$(missing_libraries "$dir" | tr '\n' ' ')
	if [ -n "$lacking" ]; then
		say "passing over $dir: ${lacking% } not found"
		return 1
	fi
	printf '%s\n' "$dir"
}

wants_cuda() {
	case ${FTADVISE_CUDA:-} in
	1) return 0 ;;
	0) return 1 ;;
	*) [ -e /dev/nvidia0 ] ;;
	esac
}

# pip_into WHERE ARGUMENT... installs wheels into the folder WHERE/site. The Python tag is
# fixed: only the shared libraries and headers are used, so the user's Python may be older
# or newer than any that this torch was built for.
pip_into() {
	part=$1
	shift
	TMPDIR=$part PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 "$pip_python" -m pip install \
		--quiet --disable-pip-version-check --no-cache-dir --no-warn-conflicts \
		--only-binary=:all: --implementation cp --python-version 3.12 \
		--target "$part/site" "$@" >>"$part/pip.log" 2>&1
}

# find_pip sets pip_python. Debian's python3 has neither pip nor venv until asked for: either will do.
find_pip() {
	command -v "$python" >/dev/null 2>&1 ||
		fail "no $python to install libtorch with" \
			"install Python 3 (Debian, Ubuntu: apt install python3-venv), or set FTADVISE_LIBTORCH to an unpacked libtorch"
	pip_python=$python
	"$python" -m pip --version >/dev/null 2>&1 && return 0
	if "$python" -m venv "$1/pip" >/dev/null 2>&1; then
		pip_python=$1/pip/bin/python
		return 0
	fi
	fail "$python has neither pip nor venv" \
		"Debian, Ubuntu: apt install python3-venv; or set FTADVISE_LIBTORCH to an unpacked libtorch"
}

# report_progress PART says now and then how far the installation has come, as long as this script lives.
report_progress() {
	seconds=0
	while kill -0 $$ 2>/dev/null; do
		megabytes=$(du -sm "$1" 2>/dev/null | cut -f1)
		if [ -t 2 ]; then
			printf '\rlibtorch: %4d MB written, %d s ' "${megabytes:-0}" "$seconds" >&2
		elif [ "$seconds" -gt 0 ] && [ $((seconds % 10)) -eq 0 ]; then
			say "${megabytes:-0} MB written, $seconds s"
		fi
		sleep 1
		seconds=$((seconds + 1))
	done
}

# fill PART installs torch and what libtorch_cpu.so needs beside it.
fill() {
	if wants_cuda; then
		pip_into "$1" "torch==$version" || return 1
		return 0
	fi
	pip_into "$1" --no-deps "torch==$version" || return 1
	cuda=$(sed -n "s/^cuda.*= '\(.*\)'.*/\1/p" "$1/site/torch/version.py")
	[ -n "$cuda" ] || return 0
	suffix=
	[ "${cuda%%.*}" -gt 12 ] || suffix=-cu${cuda%%.*}
	pip_into "$1" --no-deps "nvidia-cuda-runtime$suffix==$cuda.*" "nvidia-cuda-cupti$suffix==$cuda.*"
}

# private prints the folder of the private copy and installs it first where needed.
# The copy appears by one rename, so what has the final name is whole; the lock makes
# a second set-up wait for the first, and what a killed one left behind is removed.
private() {
	[ "$(uname -s)" = Linux ] ||
		fail "no private libtorch for $(uname -s)" "set FTADVISE_LIBTORCH to a libtorch 2.$oldest to 2.$newest"
	home=$cache/libtorch-$version
	! wants_cuda || home=$home-cuda
	if ! whole "$home"; then
		mkdir -p "$cache" || fail "cannot write $cache" "set XDG_CACHE_HOME to a folder you can write"
		(
			if command -v flock >/dev/null 2>&1 && ! flock -n 9; then
				say "waiting for another set-up to finish"
				flock 9
			fi
			whole "$home" || install_private "$home"
		) 9>"$home.lock" || exit $?
	fi
	printf '%s\n' "$home/torch"
}

# whole DIR: a private copy is complete. The driver's own library comes with the driver.
whole() {
	usable "$1/torch" && [ -z "$(missing_libraries "$1/torch")" ] || return 1
	! wants_cuda || [ -z "$(missing_libraries "$1/torch" libtorch_cuda.so | grep -v '^libcuda\.so')" ]
}

install_private() {
	rm -rf "$1" "$1".part.*
	free=$(df -Pk "$cache" | awk 'NR == 2 { print int($4 / 1024) }')
	[ "$free" -ge 2500 ] || fail "$cache has $free MB free, about 2500 are needed" "free some space or set XDG_CACHE_HOME"
	part=$1.part.$$
	reporter=
	trap 'rm -rf "$part"; [ -z "$reporter" ] || kill "$reporter" 2>/dev/null || :' EXIT
	trap 'exit 130' INT TERM HUP
	mkdir "$part"
	find_pip "$part"
	say "installing torch $version in $1 (0.5 to 1 GB to download, once for all clones)"
	report_progress "$part" 9>&- &
	reporter=$!
	# pip runs in the foreground, where an interrupt reaches it, and holds the lock: should this
	# script be killed, another set-up waits until the orphan has ended.
	if ! fill "$part"; then
		tail -n 4 "$part/pip.log" >&2
		fail "torch $version could not be installed" "check the network and the disk and run again, or set FTADVISE_LIBTORCH"
	fi
	mv "$part/site" "$1"
	whole "$1" || fail "$1 is not complete: $(missing_libraries "$1/torch" | tr '\n' ' ')" "report this, with the output of: uname -a"
	say "installed"
}

find_libtorch() {
	if [ -n "${FTADVISE_PRIVATE:-}" ]; then
		private
	elif [ -n "${FTADVISE_LIBTORCH:-}" ]; then
		named "$FTADVISE_LIBTORCH"
	elif [ -n "${LIBTORCH:-}" ]; then
		named "$LIBTORCH"
	else
		python_torch || private
	fi
}

# wrapper STANDARD prints the C++ compiler as cgo is to call it. gotch's own flags come after
# CGO_CXXFLAGS and win: they ask for C++17, where libtorch 2.14 and later need C++20, and for
# -O3 -g, which makes its one large file of thin calls slower to build and no faster to run.
# What is appended has the last word. It has to be one file without arguments: Go's linker
# tries -no-pie with the first word of CXX alone.
wrapper() {
	cat <<-SH
		#!/bin/sh
		case " \$* " in
		*torch_api*) exec $cxx "\$@" -std=c++$1 -O1 -g0 -w ;;
		*) exec $cxx "\$@" -std=c++$1 ;;
		esac
	SH
}

# toolchain STANDARD prints a folder with what compiling and linking need besides libtorch. Its
# name carries a digest of its contents: Go's build cache looks at flags, not at the files they
# name, so a changed header must come by another path, and equal ones by the same in all clones.
toolchain() {
	digest=$({ wrapper "$1"; cat "$here/compat.h"; } | sha256sum | cut -c1-12)
	kit=$cache/cgo-$digest
	if [ ! -d "$kit" ]; then
		mkdir -p "$cache" || fail "cannot write $cache" "set XDG_CACHE_HOME to a folder you can write"
		fresh=$(mktemp -d "$cache/cgo.XXXXXX")
		wrapper "$1" >"$fresh/c++"
		cp "$here/compat.h" "$fresh/"
		chmod 755 "$fresh" "$fresh/c++"
		mkdir "$fresh/empty"
		# gotch names the CUDA libraries and libtorch.so (which asks for them) on its link line.
		# Empty archives answer for them; CUDA is opened at run time, where there is a device.
		for name in torch torch_cuda c10_cuda cuda cudart cublas cudnn caffe2_nvrtc nvrtc nvrtc-builtins nvToolsExt; do
			printf '!<arch>\n' >"$fresh/empty/lib$name.a"
		done
		# Another set-up may have been quicker: its folder is the same.
		mv -T "$fresh" "$kit" 2>/dev/null || rm -rf "$fresh"
	fi
	printf '%s\n' "$kit"
}

# abi_of DIR prints the std::string layout that libtorch was built with; wheels from 2.8 on use the new one.
abi_of() {
	abi=$(sed -n 's/.*_GLIBCXX_USE_CXX11_ABI=\([01]\).*/\1/p' "$1/share/cmake/Torch/TorchConfig.cmake" 2>/dev/null | head -n 1)
	printf '%s\n' "${abi:-1}"
}

write_env() {
	case $cache in /.cache/*) fail "HOME is not set" "set HOME or XDG_CACHE_HOME" ;; esac
	command -v "${cxx%% *}" >/dev/null 2>&1 ||
		fail "no C++ compiler ($cxx)" "Debian, Ubuntu: apt install g++; or set CXX"
	torch=$(find_libtorch)
	# cgo splits its flags at spaces.
	case "$torch$cache" in *[[:space:]\'\"]*)
		fail "a space or quote in $torch or $cache" "set FTADVISE_LIBTORCH or XDG_CACHE_HOME to folders without" ;;
	esac
	found=$(version_of "$torch")
	standard=17
	[ "$(minor_of "$found")" -lt 14 ] || standard=20
	kit=$(toolchain "$standard")
	mkdir -p "$(dirname -- "$1")"
	# The release is on the command line so that a torch upgraded in its place is compiled against anew.
	cat >"$1.$$" <<-ENV
		# Written by libtorch.sh: libtorch $found. Read it with: . $1
		export FTADVISE_TORCH_HOME='$torch'
		export FTADVISE_TORCH_RELEASE='$found'
		export CGO_ENABLED=1
		export FTADVISE_CXX='$cxx'
		export CXX='$kit/c++'
		export CGO_CXXFLAGS='-O2 -include $kit/compat.h -isystem $torch/include -isystem $torch/include/torch/csrc/api/include -D_GLIBCXX_USE_CXX11_ABI=$(abi_of "$torch") -DFTADVISE_TORCH_RELEASE=$found'
		export CGO_LDFLAGS='-L$kit/empty -L$torch/lib -Wl,-rpath,$torch/lib -ltorch_cpu -lc10 -ldl'
	ENV
	# An unchanged file keeps its time, so make sees nothing to do.
	if cmp -s "$1.$$" "$1"; then rm "$1.$$"; else
		mv "$1.$$" "$1"
		say "using $torch ($found)"
	fi
}

case ${1:-} in
env) [ $# -eq 2 ] || fail "env needs a file" "libtorch.sh env bin/libtorch.env"; write_env "$2" ;;
where) find_libtorch ;;
link)
	[ $# -eq 2 ] || fail "link needs a folder" "libtorch.sh link DIR"
	torch=$(find_libtorch)
	ln -sfn "$torch" "$2/libtorch"
	say "$2/libtorch -> $torch"
	;;
*)
	sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
