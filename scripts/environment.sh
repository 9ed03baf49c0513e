#!/bin/sh
# Makes .venv in this checkout, or brings it up to date; says nothing and uses no network when it already is.
#
#   PYTHON=/path/to/python3.12   the Python to make it with, instead of the newest of 3.13, 3.12 and 3.11 found
#   PIP=/path/to/pip.pyz         a pip (zipapp or wheel) for a Python that came without one
#
# All packages come from requirements.lock, by hash. The stamp .venv/armillary-stamp is written last, so that an
# interrupted run is taken up again.
set -eu
cd "$(dirname "$0")/.."

venv_python=.venv/bin/python
stamp=.venv/armillary-stamp

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "armillary: $*"
    exit 1
}

suitable() {
    "$1" -c 'import sqlite3, ssl, sys, venv, zlib; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
        >/dev/null 2>&1
}

newest_python() {
    if [ -n "${PYTHON:-}" ]; then
        suitable "$PYTHON" || fail "expected PYTHON to be a Python 3.11, 3.12 or 3.13 with its standard library; got $PYTHON"
        printf '%s\n' "$PYTHON"
        return
    fi
    for candidate in python3.13 python3.12 python3.11 python3 python; do
        if suitable "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    fail "expected Python 3.11, 3.12 or 3.13 (with venv, ssl and sqlite3) on the PATH, got none;" \
        "install one, or name it: make lab PYTHON=/path/to/python3.12"
}

# What the environment is made from: the lock, the project's own metadata, this script, the Python and the place.
fingerprint() {
    "$venv_python" - <<'PYTHON'
import hashlib, pathlib, sys
names = ["requirements.lock", "pyproject.toml", "scripts/environment.sh"]
# JupyterLab reads its extension from .venv, where the install puts a copy.
names += sorted(path for path in pathlib.Path("workbench/armillary/labextension").rglob("*") if path.is_file())
parts = [pathlib.Path(name).read_bytes() for name in names]
parts += [sys.version.encode(), str(pathlib.Path.cwd()).encode()]
print(hashlib.sha256(b"\0".join(parts)).hexdigest())
PYTHON
}

# Debian and its relatives split pip and ensurepip from Python. Their pip wheel can be had without being root.
debian_pip_wheel() {
    for wheel in /usr/share/python-wheels/pip-*.whl; do
        [ -f "$wheel" ] && printf '%s\n' "$wheel" && return
    done
    command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 || return 1
    (
        mkdir -p .venv/pip-wheel && cd .venv/pip-wheel &&
            apt-get download -qq python3-pip-whl && dpkg-deb -x python3-pip-whl_*.deb .
    ) >/dev/null 2>&1 || return 1
    for wheel in .venv/pip-wheel/usr/share/python-wheels/pip-*.whl; do
        [ -f "$wheel" ] && printf '%s\n' "$wheel" && return
    done
    return 1
}

# Which pip there is: the environment's own (the lock brings one, which is used from the second run on), or a file.
find_pip() {
    if "$venv_python" -m pip --version >/dev/null 2>&1 || "$venv_python" -m ensurepip --default-pip >/dev/null 2>&1; then
        pip_file=
    elif [ -n "${PIP:-}" ]; then
        [ -f "$PIP" ] || fail "expected PIP to be a pip zipapp (pip.pyz) or wheel (pip-*.whl), got $PIP"
        pip_file=$PIP
    else
        pip_file=$(debian_pip_wheel) || fail "this Python came without pip (ensurepip is missing)." \
            "Do one of these, then the same command again: install it (Debian, Ubuntu: sudo apt-get install python3-venv);" \
            "name another Python with PYTHON=...; or name a pip zipapp or wheel with PIP=... (docs/howto/install.md)"
    fi
}

pip_install() {
    case $pip_file in
        '') "$venv_python" -m pip install --disable-pip-version-check --no-input "$@" ;;
        *.whl) "$venv_python" "$pip_file/pip" install --disable-pip-version-check --no-input "$@" ;;
        *) "$venv_python" "$pip_file" install --disable-pip-version-check --no-input "$@" ;;
    esac
}

[ -f requirements.lock ] || fail "expected requirements.lock in $(pwd), got none; is the checkout complete?"

# A folder that was moved keeps its old place in its scripts: it is made anew.
if [ -f "$stamp" ] && suitable "$venv_python"; then
    [ "$(cat "$stamp")" = "$(fingerprint)" ] && exit 0
    [ "$(cat "$stamp.place" 2>/dev/null)" = "$(pwd -P)" ] || rm -f "$stamp" "$venv_python"
fi

started=$(date +%s)
if ! suitable "$venv_python"; then
    python=$(newest_python)
    say "armillary: making .venv with $("$python" --version) ($(command -v "$python")); a minute or two, once"
    "$python" -m venv --clear --without-pip .venv || fail "could not make .venv with $python (see above)"
else
    say "armillary: bringing .venv up to date"
fi
rm -f "$stamp"

# A person's pip may be told to install for the user, which no environment allows.
export PIP_USER=0
log=.venv/armillary-install.log
find_pip
pip_install --require-hashes --no-deps --only-binary :all: --requirement requirements.lock >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    fail "could not install the packages of requirements.lock (above, and in $log). The first run needs a network or a" \
        "mirror that pip knows of; what was installed so far is kept, so that the same command goes on from there"
}
pip_install --no-deps --no-build-isolation --editable . >>"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    fail "could not install the checkout itself (above, and in $log)"
}

rm -rf .venv/pip-wheel
pwd -P >"$stamp.place"
fingerprint >"$stamp"
say "armillary: .venv is ready after $(($(date +%s) - started)) s"
