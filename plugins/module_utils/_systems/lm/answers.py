# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Lifecycle Manager answers: the names of its fields, its errors in words, and the counts of a library.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Answer
from ansible_collections.assetops.imports.plugins.module_utils._http.answers import json_object
from ansible_collections.assetops.imports.plugins.module_utils._http.wording import is_generic

RUN_IDS = ("runid", "run-id", "runId")  # the vendor's page has the first two, in its example and in its text
COUNTS: Mapping[str, str] = {
    "catalog_assets": "catalogAssets",
    "published_assets": "publishedAssets",
    "projects": "projects",
    "users": "users",
    "active_requests": "activeRequests",
    "pending_events": "pendingEvents",
}
UNPUBLISHED = "unpublished-assets"
FIELDS = (
    *RUN_IDS,
    *COUNTS.values(),
    *("valid", "assetName", "assetVersion", "assetId", "assetDescription", "resultMessage"),
    *("import", "status", "library"),  # the kinds of answers in a result
    *("parsingErrorsExist", "assetImportMessages", UNPUBLISHED),
)
"""What the answers call their parts, and so is not secret."""


def parse_json(answer: Answer) -> dict[str, Any]:
    """The JSON object of an answer, whatever its content type: the vendor names none. Raises `ValueError`."""
    return json_object(replace(answer, headers={}))


def is_documented_error(answer: Answer) -> bool:
    """Whether it is the status and text with which the vendor documents that a request was not processed."""
    return answer.status == 500 and is_in_words(answer)


def is_in_words(answer: Answer) -> bool:
    """Whether it is an error as the vendor documents it, in plain text, and not that of a proxy or a container."""
    content_type = answer.headers.get("content-type", "text/plain").lower()
    is_text = content_type.startswith("text/plain") and answer.text.lstrip()[:1] != "<"
    return is_text and not is_generic(answer)


def is_of_the_api(answer: Answer) -> bool:
    """Whether an answer with 5xx is Lifecycle Manager's own, and not a gateway's."""
    try:
        parse_json(answer)
    except ValueError:
        return is_documented_error(answer)
    return True


def counts_of(library_status: Mapping[str, Any]) -> dict[str, int | None]:
    """The counts of a library by our names, None for what its status does not report."""
    values = {ours: library_status.get(theirs) for ours, theirs in COUNTS.items()}
    return {
        name: value if isinstance(value, int) and not isinstance(value, bool) else None
        for name, value in values.items()
    }


def counts_text(counts: Mapping[str, int | None]) -> str:
    """The counts of a library, a line each, for people."""
    return "".join(
        f"{name.replace('_', ' ')}: {'not reported' if count is None else count}\n" for name, count in counts.items()
    )


def has_no_assets(library_status: Mapping[str, Any] | None) -> bool:
    """Whether the status of a library says that there is no asset in it. A status that is not whole says nothing."""
    counts = counts_of(library_status or {})
    return counts["catalog_assets"] == 0 and counts["active_requests"] is not None
