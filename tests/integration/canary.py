# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret that is found again wherever it went, and the spellings in which a server may repeat it.

It is made of plain words, which no encoding changes, around characters that most encodings change. So whatever it is
written in, the words are found; only in Base64 they are not, and there what they become is looked for.
"""

from __future__ import annotations

import base64
import html
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from ..sandbox.handle import Sandbox
from .support import Playbook

WORDS = ("c4nary", "w4tch", "b1rd")
SECRET = "c4nary\"\\w4tch%2f+/=&<>'; b1rd~"


def traces(content: str | bytes) -> list[str]:
    """What of the secret is in there."""
    found = content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
    return [trace for trace in (*WORDS, *_IN_BASE64) if trace.encode() in found]


def _in_base64(shift: int) -> str:
    """How the secret looks in Base64 where it begins at this place of a group of three."""
    encoded = base64.b64encode(b"\0" * shift + SECRET[:16].encode()).decode()
    return encoded[(0, 2, 3)[shift] : -4]


_IN_BASE64 = [_in_base64(shift) for shift in range(3)]


def assert_quiet(folder: Path, *outputs: str) -> None:
    """Nothing of the secret is in the outputs, nor in any file of the test."""
    for output in outputs:
        assert traces(output) == []
    for path in folder.rglob("*"):
        if path.is_file():
            assert traces(path.read_bytes()) == [], path


def command_lines() -> list[bytes]:
    """Those of all processes that there are, as far as they may be read."""
    files = [Path(entry.path) / "cmdline" for entry in os.scandir("/proc") if entry.name.isdigit()]
    return [file.read_bytes() for file in files if os.access(file, os.R_OK)]


# In how many ways it can be written.


def _plainly_escaped(secret: str) -> str:
    return json.dumps(secret)[1:-1]


def _cautiously_escaped(secret: str) -> str:
    """As libraries do that make JSON safe for web pages."""
    escaped = _plainly_escaped(secret).replace("/", "\\/")
    return "".join(f"\\u{ord(character):04X}" if character in "<>&'=+" else character for character in escaped)


def _escaped(encode: Callable[[str], str]) -> Callable[[str], str]:
    return lambda secret: _plainly_escaped(encode(secret))


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": _plainly_escaped,
    "in escapes of JSON": lambda secret: "".join(f"\\u{ord(character):04x}" for character in secret),
    "in careful JSON": _cautiously_escaped,
    "in capital letters": lambda secret: _plainly_escaped(secret.upper()).replace("%2F", "%2f"),
    "for a URL": _escaped(lambda secret: quote(secret, safe="")),
    "for a URL with its slashes": _escaped(quote),
    "for a URL in small letters": _escaped(lambda secret: quote(secret, safe="").lower()),
    "for a form": _escaped(quote_plus),
    "for a page": _escaped(html.escape),
    "for a page, partly": _escaped(lambda secret: html.escape(secret, quote=False)),
    "in quotes inside JSON": _escaped(json.dumps),
    "in Base64": _escaped(lambda secret: base64.b64encode(secret.encode()).decode()),
}


def as_found(output: str, spelling: str) -> str:
    """An output as it has to be looked through where a server wrote the secret so."""
    return output.lower() if spelling == "in capital letters" else output


# Runs that show all they have.

Held = tuple[str, str]
"""The system and operation of a request that a fault holds."""


@dataclass(frozen=True)
class Shown:
    """What a playbook showed to whoever ran it, and to whoever looked at the processes meanwhile."""

    status: int
    output: str
    commands: list[list[bytes]]
    """Those of all processes at each look."""


def run_at_highest_verbosity(
    folder: Path,
    outside: Path,
    tasks: list[dict[str, Any]],
    secrets: dict[str, str],
    *,
    sandbox: Sandbox,
    held: Sequence[Held],
    python: str = sys.executable,
) -> Shown:
    """Run tasks as a playbook that gets its secrets from a file outside of the folder that is looked through.

    The processes are looked at while a fault holds a request, once for each that is `held`, in their order.
    """
    (outside / "secrets.json").write_text(json.dumps(secrets), encoding="utf-8")
    process = Playbook(folder, tasks, python=python).start("-vvvv", "--diff", "-e", f"@{outside / 'secrets.json'}")
    commands = []
    for system, operation in held:
        sandbox.wait_for("held", system=system, operation=operation, timeout=60)
        commands.append(command_lines())
        sandbox.release()
    output, _unused = process.communicate(timeout=120)
    return Shown(process.returncode, output, commands)
