# SPDX-License-Identifier: GPL-3.0-or-later
"""APIs for standard batch import: kinds of imports whose control file is fixed in the application.

The vendor documents three requests and what they answer; its server side is not public.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class StandardApi:
    """One of them."""

    kind: str
    control: dict[str, Any]
    """Its control file."""


PEOPLE = StandardApi(
    "example-standard-api",
    {
        "dataImportControlFileVersion": 0,
        "model": "haplo:person",
        "files": {"people": {"read": "json"}, "visitors": {"read": "tsv-with-name-row"}},
        "instructions": [
            {"action": "new", "destination": "profile"},
            {"source": "first", "destination": "value:person-name", "name": "first"},
            {"source": "last", "destination": "value:person-name", "name": "last"},
            {
                "action": "field-structured",
                "structured": "value:person-name",
                "destination": "profile",
                "name": "dc:attribute:title",
            },
        ],
    },
)
"""The one that is there unless told otherwise; the kind is the vendor's example."""
