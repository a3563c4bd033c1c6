# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was found of the targets, as metrics for Prometheus.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ansible_collections.assetops.imports.plugins.plugin_utils._watch import WatchFinding

PREFIX = "assetops_import"


def metrics_text(findings: Sequence[WatchFinding], now: datetime) -> str:
    """The metrics in the format that the textfile collector of node_exporter reads."""
    metrics: list[tuple[str, str, list[tuple[Mapping[str, str], float]]]] = [
        ("watch_timestamp_seconds", "When the watch ran last, in Unix time.", [({}, now.timestamp())]),
        ("watch_targets", "How many targets are watched.", [({}, len(findings))]),
        ("watch_failures", "How many of them are not as they should be.", [({}, _count(findings))]),
        ("ok", "1 if the target gets its imports, else 0.", [(_labels(one), not one.problems) for one in findings]),
        ("state", "The state of the target, always 1.", [(_labels(one, state=one.state), 1) for one in findings]),
        (
            "last_success_timestamp_seconds",
            "When the last successful import ended, in Unix time; absent if none is known.",
            [(_labels(one), one.last_success.timestamp()) for one in findings if one.last_success is not None],
        ),
        (
            "age_seconds",
            "How long ago that was when the watch ran.",
            [(_labels(one), one.age) for one in findings if one.age is not None],
        ),
        ("max_age_seconds", "How long ago it may be.", [(_labels(one), one.watched.max_age) for one in findings]),
        (
            "receipts",
            "How many imports are in each state.",
            [(_labels(one, state=state), count) for one in findings for state, count in one.counts.items()],
        ),
    ]
    return "".join(f"{line}\n" for name, text, samples in metrics for line in _metric(name, text, samples))


def _count(findings: Sequence[WatchFinding]) -> int:
    return sum(bool(one.problems) for one in findings)


def _labels(one: WatchFinding, **more: str) -> dict[str, str]:
    return {"target": one.watched.target, "system": one.watched.system, **more}


def _metric(name: str, text: str, samples: Sequence[tuple[Mapping[str, str], float]]) -> list[str]:
    name = f"{PREFIX}_{name}"
    lines = [f"# HELP {name} {text}", f"# TYPE {name} gauge"]
    for labels, value in samples:
        inner = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        lines.append(f"{name}{{{inner}}} {float(value)!r}" if inner else f"{name} {float(value)!r}")
    return lines


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
