#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run a command in the project's own environment, which is made first where it is missing or out of date:
#
#     tests/tools/in-venv.sh bare|run|test COMMAND [ARGUMENT...]
#
# "run" has what playbooks and the sandbox need, "test" also the tools of the checks, "bare" neither. All of it is
# kept below .cache in the checkout: neither root nor the user's home directory is needed.

set -euo pipefail

# Controllers that ansible-core 2.19 and 2.21 run on, newest first; hosts that the modules run on.
readonly CONTROLLERS=(3.14 3.13 3.12 3.11)
readonly TARGETS=(3.14 3.13 3.12 3.11 3.10 3.9)

CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
readonly CACHE=$PWD/.cache
readonly VENV=$CACHE/venv

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$*"
    exit 1
}

# Look for pythonX.Y on PATH, then among pyenv's versions, then for a python3 that happens to be X.Y. Each is really
# run: pyenv leaves commands on PATH whose versions are switched off, and distributions leave out ensurepip. Prints
# the path of the interpreter itself, not that of a virtual environment's or a shim's.
find_python() {
    local version=$1 candidate
    while read -r candidate; do
        [[ -x $candidate ]] || continue
        "$candidate" -I - "$version" <<'PYTHON' 2>/dev/null && return
import sys

import ensurepip, ssl, sqlite3, venv

if sys.implementation.name != "cpython" or sys.version_info.releaselevel != "final":
    sys.exit(1)
if "%d.%d" % sys.version_info[:2] != sys.argv[1]:
    sys.exit(1)
print(getattr(sys, "_base_executable", None) or sys.executable)
PYTHON
    done < <(
        type -aP "python$version" || true
        compgen -G "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version.*/bin/python$version" || true
        type -aP python3 || true
    )
    return 1
}

find_controller() {
    local version
    for version in "${CONTROLLERS[@]}"; do
        find_python "$version" && return
    done
    die "No usable Python found: one of ${CONTROLLERS[*]}, with its venv, ensurepip, ssl and sqlite3 modules, must be" \
        "on PATH or installed by pyenv (on Debian and Ubuntu: packages python3 and python3-venv)."
}

# What runs with another home directory, too, is to find pip's settings.
keep_index_settings() {
    local file
    for file in "$HOME/.pip/pip.conf" "${XDG_CONFIG_HOME:-$HOME/.config}/pip/pip.conf"; do
        [[ ! -f $file ]] || export PIP_CONFIG_FILE=${PIP_CONFIG_FILE:-$file}
    done
}

install() {
    local name=$1 index log=$CACHE/install-$1.log
    local arguments=(--requirement "tests/requirements/$name.txt" --constraint tests/requirements/lock.txt)
    say "Installing the packages of tests/requirements/$name.txt ..."
    index=${PIP_INDEX_URL:-$("$VENV/bin/python" -m pip config get global.index-url 2>/dev/null || true)}
    [[ -z $index ]] || export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$index}
    # pip is slower than uv, but knows every setting that a user may need to reach an index.
    "$VENV/bin/python" -m uv pip install --quiet --python "$VENV/bin/python" --compile-bytecode "${arguments[@]}" >"$log" 2>&1 ||
        "$VENV/bin/python" -m pip install --quiet "${arguments[@]}" >>"$log" 2>&1 ||
        die "$(cat "$log")" $'\n'"The packages of tests/requirements/$name.txt could not be installed." \
            "Is a package index within reach of pip?"
}

# The collection that the role awx_setup needs comes from no package index by itself, only as a part of a large package.
install_awx() {
    local folder=$CACHE/awx-package log=$CACHE/install-awx.log
    say "Unpacking awx.awx from the package of tests/requirements/awx.txt (51 MB) ..."
    rm -rf "$folder"
    "$VENV/bin/python" -m pip download --quiet --no-deps --ignore-requires-python --only-binary :all: --dest "$folder" \
        --requirement tests/requirements/awx.txt >"$log" 2>&1 ||
        die "$(cat "$log")" $'\n'"awx.awx could not be had. Is a package index within reach of pip?"
    "$VENV/bin/python" - "$folder"/*.whl "$VENV"/lib/python*/site-packages <<'PYTHON'
import sys
import zipfile

package = zipfile.ZipFile(sys.argv[1])
wanted = [name for name in package.namelist() if name.startswith("ansible_collections/awx/awx/")]
package.extractall(sys.argv[2], wanted)
PYTHON
    rm -rf "$folder"
}

make_bare() {
    local python=$1 site
    say "Making the environment .cache/venv with $("$python" --version) ($python) ..."
    rm -rf "$VENV"
    "$python" -m venv "$VENV" || die "$python could not make a virtual environment."
    "$VENV/bin/python" -m pip install -qq --requirement tests/requirements/uv.txt ||
        die "uv could not be installed. Is a package index within reach of pip?"
    # Ansible, pytest and the linters find the collection installed, and see the checkout itself. mypy does not look
    # at installed packages without py.typed, and gets a tree of its own.
    for site in "$VENV"/lib/python*/site-packages "$CACHE/tree"; do
        mkdir -p "$site/ansible_collections/assetops"
        ln -sfn "$PWD" "$site/ansible_collections/assetops/imports"
    done
}

# Each level has a stamp that says for what it was made; one that was interrupted has none.
is_made() { [[ -f $VENV/made-$1 && $(<"$VENV/made-$1") == "$2" ]]; }

make_level() {
    local level=$1 python key step made='' started=$SECONDS
    python=$(find_controller)
    key=$(printf '%s\n' "$PWD" "$python" && "$python" --version && cat tests/requirements/*.txt)
    for step in bare run test; do
        if ! is_made "$step" "$key"; then
            case $step in
            bare) make_bare "$python" ;;
            run) install run ;;
            test)
                install test
                install_awx
                ;;
            esac
            printf '%s\n' "$key" >"$VENV/made-$step"
            made=yes
        fi
        [[ $step != "$level" ]] || break
    done
    [[ -z $made ]] || say "The environment is ready after $((SECONDS - started)) s."
}

# Interpreters to try the modules with, as pythonX.Y in a folder of their own.
link_targets() {
    local version python
    mkdir -p "$CACHE/pythons"
    for version in "${TARGETS[@]}"; do
        if python=$(find_python "$version"); then
            ln -sfn "$python" "$CACHE/pythons/python$version"
        else
            rm -f "$CACHE/pythons/python$version"
        fi
    done
}

# Settings of the caller that would change what is installed or found, or send tests to a real system.
forget_settings() {
    local name
    for name in $(compgen -e); do
        case $name in
        ANSIBLE_* | COVERAGE_* | MYPY* | PYTEST_* | PYTHON* | RUFF_* | VIRTUAL_ENV*) unset "$name" ;;
        GIT_* | PIP_CONSTRAINT | PIP_PREFIX | PIP_TARGET | PIP_USER | UV_PYTHON) unset "$name" ;;
        ASSETOPS_* | LICSTAT_* | BIGFIX_* | LMT_* | HAPLO_* | LM_* | PG*) unset "$name" ;;
        esac
    done
}

(($# >= 2)) || die "Usage: ${BASH_SOURCE[0]} bare|run|test COMMAND [ARGUMENT...]"
level=$1
shift

forget_settings
mkdir -p "$CACHE/home" "$CACHE/tmp"
export TMPDIR=$CACHE/tmp XDG_CACHE_HOME=$CACHE/xdg PIP_CACHE_DIR=$CACHE/pip UV_CACHE_DIR=$CACHE/uv
export PYTHONPYCACHEPREFIX=$CACHE/pycache
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore UV_PYTHON_DOWNLOADS=never

(
    # Two commands may be started at once on a fresh checkout.
    ! type -P flock >/dev/null || flock 9
    make_level "$level"
    [[ $level != test ]] || link_targets
) 9>"$CACHE/lock"

keep_index_settings
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME
export HOME=$CACHE/home ANSIBLE_HOME=$CACHE/home/.ansible VIRTUAL_ENV=$VENV PATH=$VENV/bin:$PATH
# One language for messages that tests compare, and the encoding that Ansible insists on.
export LC_ALL=C.UTF-8
# The sandbox is never behind a proxy.
export NO_PROXY=127.0.0.1,localhost,::1${NO_PROXY:+,$NO_PROXY}
export no_proxy=$NO_PROXY
exec "$@"
