# SPDX-License-Identifier: GPL-3.0-or-later
"""What tells HCL BigFix Inventory from IBM License Metric Tool, which otherwise are one piece of software."""

from __future__ import annotations

from dataclasses import dataclass

from .credentials import BIGFIX_TOKEN, BIGFIX_VIEWER_TOKEN, LMT_TOKEN, LMT_VIEWER_TOKEN

COMPLETE = "complete"
RAW_ONLY = "raw_only"
TYPES = (COMPLETE, RAW_ONLY)
"""Types of imports, as `last_import_type` tells them."""


@dataclass(frozen=True)
class Product:
    """One of the two. Sources: the vendors' pages, and FACTS section B."""

    name: str
    """Prefix of its path in the sandbox."""
    title: str
    version: str
    status_paths: tuple[str, ...]
    run_values: dict[str, str]
    """Value of `run`, and the type of import that it starts."""
    parameters: frozenset[str]
    """Query parameters of status and start."""
    manager_token: str
    viewer_token: str
    # Defaults of settings.
    token_in_header: bool
    last_while_running: bool
    progress_if_never: int | None


BIGFIX_INVENTORY = Product(
    name="bigfix",
    title="HCL BigFix Inventory",
    version="11.0.3.0",  # its form is a guess
    status_paths=("/api/import_status.json", "/api/management/imports.json"),
    run_values={COMPLETE: COMPLETE, RAW_ONLY: RAW_ONLY},
    parameters=frozenset({"token", "run", "format"}),
    manager_token=BIGFIX_TOKEN,
    viewer_token=BIGFIX_VIEWER_TOKEN,
    token_in_header=False,  # guess: no page mentions the header
    last_while_running=False,
    progress_if_never=None,
)

LICENSE_METRIC_TOOL = Product(
    name="lmt",
    title="IBM License Metric Tool",
    version="9.2.20140331-2015",
    status_paths=("/api/import_status.json",),
    run_values={"true": COMPLETE},
    parameters=frozenset({"token", "run"}),
    manager_token=LMT_TOKEN,
    viewer_token=LMT_VIEWER_TOKEN,
    token_in_header=True,
    last_while_running=True,
    progress_if_never=59,
)
