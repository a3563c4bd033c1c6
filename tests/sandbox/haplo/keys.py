# SPDX-License-Identifier: GPL-3.0-or-later
"""The API keys that the sandbox knows unless told otherwise. They open nothing else."""

from __future__ import annotations

API_KEY = "Qv3TzK8mX0sLr_5WbYd1NfH7cJp2GaUe9oRi4kMtZxA"
"""Haplo: key of a service user who may use the API for batch import."""
OUTSIDER_KEY = "Qv3TzK8mX0sLr_5WbYd1NfH7cJp2GaUe9oRi4kMtZxB"
"""Haplo: key of a user who is not in the group that may."""
BLOCKED_KEY = "Qv3TzK8mX0sLr_5WbYd1NfH7cJp2GaUe9oRi4kMtZxC"
"""Haplo: key of a user who is blocked."""
STANDARD_KEY = "Qv3TzK8mX0sLr_5WbYd1NfH7cJp2GaUe9oRi4kMtZxE"
"""Haplo: key of a service user who may use the API for standard batch import."""
OUTCOME_KEY = "Qv3TzK8mX0sLr_5WbYd1NfH7cJp2GaUe9oRi4kMtZxF"
"""Haplo: key of a user who may administer batches, for the pages that tell what became of them."""
ELSEWHERE_KEY = "Qv3TzK8mX0sLr_5WbYd1NfH7cJp2GaUe9oRi4kMtZxD"
"""Haplo: key that was made for another path."""
