# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running the work of a module or an action, and turning errors into results.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import ImportsError
from ansible_collections.assetops.imports.plugins.module_utils._common.redaction import harmless
from ansible_collections.assetops.imports.plugins.module_utils._engine.progress import Progress
from ansible_collections.assetops.imports.plugins.module_utils._module.invocation import (
    Invocation,
    hide_passwords_in_urls,
    invocation_of,
    secrets_of,
)
from ansible_collections.assetops.imports.plugins.module_utils._module.results import answer_result

Work = Callable[[Invocation], Mapping[str, Any]]
"""What a module is for. It returns the result, with a `msg` if it failed."""


def run_module(module: AnsibleModule, work: Work) -> None:
    """Do a module's work, and end the module with its result or with an error that a person can act on."""
    result = run_work(invocation_of(module), work)
    if "msg" in result:
        module.fail_json(**result)
    module.exit_json(**result)


def run_work(invocation: Invocation, work: Work) -> dict[str, Any]:
    """Do the work. Returns its result, or why it failed: it has a `msg` if it failed, and only then."""
    hide_passwords_in_urls(invocation)
    invocation.progress = _progress_of(invocation)
    try:
        with invocation.progress:
            return dict(harmless(work(invocation)))
    except ImportsError as error:
        return dict(harmless({"msg": secrets_of(invocation).redact(error.message), **answer_result(error.answer)}))
    except Exception as error:
        # Not left to Python, whose output may hold what was sent, and so a secret.
        trace = secrets_of(invocation).redact(traceback.format_exc())
        return {"msg": f"{type(error).__name__}: this is a defect of assetops.imports.", "exception": trace}
    finally:
        if invocation.progress.error:
            invocation.warn(f"How it goes on could not be shown: {invocation.progress.error}")


def _progress_of(invocation: Invocation) -> Progress:
    """What shows how imports go on. It shows nothing in check mode, or if nobody would see it."""
    interval = invocation.params.get("progress", 0)
    is_silent = invocation.check_mode or not interval > 0
    return Progress(None if is_silent else invocation.show, interval)
