#!/bin/sh
# Resolves requirements.lock for Python 3.11, 3.12 and 3.13 at once: every package by hash, and no host named,
# so that it installs from whichever index or mirror pip is told to use.
#
#   sh scripts/lock.sh             keeps the versions that still fit, adds what is new
#   sh scripts/lock.sh --upgrade   takes the newest of everything
set -eu
cd "$(dirname "$0")/.."
resolver=uv==0.13.9

if ! .venv/bin/python -m uv --version >/dev/null 2>&1; then
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "$resolver"
fi
.venv/bin/python -m uv pip compile pyproject.toml --extra lab --extra test \
    --universal --python-version 3.11 --generate-hashes \
    --no-header --no-annotate --no-emit-index-url --quiet --output-file requirements.lock "$@"
if grep -n '://' requirements.lock; then
    echo "armillary: expected a lock that names no host, got the lines above; lock against an index, not against links" >&2
    exit 1
fi
