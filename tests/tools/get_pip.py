#!/usr/bin/env python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the get-pip.py that ansible-test would fetch: pip comes from the package index, like all the rest.

ansible-test looks for it below ~/.ansible/test/cache, and calls it in each environment that it makes.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CACHE = Path(__file__).resolve().parent


def wheel_of_pip(requirement: str) -> Path:
    """The wheel of pip that is asked for, as in `pip==25.2`; fetched once, by the pip that Python brings along."""
    name = f"{requirement.replace('==', '-')}-*.whl"
    if not list(CACHE.glob(name)):
        subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"], stdout=subprocess.DEVNULL)
        fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(CACHE), requirement]
        subprocess.check_call(fetch)
    return next(CACHE.glob(name))


wanted = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
pip = wheel_of_pip(next(requirement for requirement in wanted if requirement.startswith("pip==")))
others = [requirement for requirement in wanted if not requirement.startswith("pip==")]
# A wheel of pip can be run as it is.
subprocess.check_call([sys.executable, str(pip / "pip"), "install", "--quiet", str(pip), *others])
