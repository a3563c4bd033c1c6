# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret may be any word, one of the vendor's protocol, too: it changes nothing that a module does.

For each system a story is told with a random secret, and with each word of its protocol in place of that. The server
has to get the same requests, the store has to keep the same states, and every result has to be the same but for what
Ansible itself puts asterisks over. In messages, and in what the server said, the word does not stand.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from ..sandbox.handle import Sandbox
from ..stores import ask
from .bigfix import DataImports
from .haplo import Haplo
from .lm import Lm
from .support import QUICK, Licstat, Logs

RANDOM = "q7#Zk2!vWx9"
MASKED = ("********", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER")

Story = Callable[[str], list[dict[str, Any]]]

EVERYWHERE = ("null", "true", "false", "HTTP", "POST", "failed", "unknown", "submitted", "succeeded", "running", "2026")
LICSTAT = (
    "success",
    "data",
    "PENDING",
    "SUCCESS",
    "SCHEDULED",
    "import",
    "import_",
    "sbtr",
    "Denials",
    "Usage",
    "status",
    "admin",
)
BIGFIX = (
    *("mode", "idle", "none", "pending", "progress", "complete", "raw_only", "successful", "last_status", "last"),
    *("import", "import_status", "last_success_time", "can_run_imports", "token"),
)
HAPLO = (
    "batch",
    "control",
    "file",
    "files",
    "schedule",
    "SCHEDULED",
    "scheduled",
    "dry-run",
    "json",
    "people",
    "uploading",
    "import",
)
LM = (
    *("import", "runid", "run-id", "unpublished-assets", "assets", "valid", "parsingErrorsExist", "catalogAssets"),
    *("assetImportMessages", "status", "library", "LibraryDemo", "resultMessage"),
)


def licstat_story(licstat: Licstat, logs: Logs, secret: str) -> list[dict[str, Any]]:
    licstat.sandbox.configure(tokens=[{"token": secret, "user": "Administrator"}])
    good, twice = logs("good.log", day=0), logs("overlapping.log", day=0, mib=0.01)
    told = [licstat(good, check=check, api_token=secret) for check in (True, False, False)]
    told += [licstat(twice, api_token=secret), licstat(good, api_token=secret, force=True, wait=False)]
    return [*told, licstat.task_info(api_token=secret, task_id="import_00000000-0000-0000-0000-000000000000")]


def bigfix_story(bigfix: DataImports, secret: str) -> list[dict[str, Any]]:
    bigfix.configure(users=[{"name": "importer", "password": "its password", "token": secret}])
    told = [bigfix(token=secret, max_age=3600, check=check) for check in (True, False, False)]
    told += [bigfix(token=secret), bigfix(token=secret, if_running="fail", wait=False)]
    return [*told, bigfix(token=secret), bigfix.info(token=secret)]


def haplo_story(haplo: Haplo, secret: str) -> list[dict[str, Any]]:
    haplo.sandbox.configure("haplo", keys=[{"key": secret, "user": "import service"}])
    told = [haplo(api_key=secret, check=check) for check in (True, False, False)]
    return [*told, haplo(api_key=secret, dry_run=True), haplo(api_key=secret, control_digest="5a" * 32, control=None)]


def lm_story(lm: Lm, secret: str) -> list[dict[str, Any]]:
    user = {"name": "somebody", "password": secret, "ace": True, "usage_controller": True}
    lm.sandbox.configure("lm", users=[user])
    known = {"username": "somebody", "password": secret}
    archive = lm.archive("contents.zip", bad=1)
    told = [lm(archive, check=check, allow_parsing_errors=True, **known) for check in (True, False, False)]
    told += [lm(archive, **known), lm.library_info(**known), lm.empty(**known)]
    return [*told, lm(archive, allow_parsing_errors=True, **known)]
