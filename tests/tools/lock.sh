#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Write tests/requirements/lock.txt anew: the exact versions, for every supported Python, of all that the pinned
# packages need. To move a package, change its pin in run.txt, sandbox.txt or test.txt, and run `make lock`.

set -euo pipefail
CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../requirements"

new=$(python -m uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate run.txt test.txt)
{
	sed -n '/^# SPDX/p' test.txt
	printf '%s\n' '# Written by "make lock".' "$new"
} >lock.txt
