# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How to reach a library of Akana Lifecycle Manager: options, environment variables, advice, path and credentials.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._http.client import basic_credentials
from ansible_collections.assetops.imports.plugins.module_utils._systems.guide import Guide
from ansible_collections.assetops.imports.plugins.module_utils._systems.lm.answers import FIELDS

SYSTEM = "lm"
OPTIONS: Mapping[str, Any] = {
    "url": {"type": "str", "required": True},
    "library": {"type": "str", "required": True},
    "function_name": {"type": "str", "default": "importutils", "aliases": ["function"]},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
}
ENVIRONMENT = {"url": "LM_URL", "username": "LM_USERNAME", "password": "LM_PASSWORD"}
GUIDE = Guide(
    system=SYSTEM,
    environment=ENVIRONMENT,
    meanings={
        "url": (
            "the address of Lifecycle Manager, with its port and the path to it, if any, as in"
            " https://lm.example.com:8443; without /lm/custom/rest and without pages"
        ),
        "library": "the name of the library, as in its configuration (LPC)",
        "function_name": "the name of its function of the class ImportUtils, or leave it out for importutils",
        "username": "a user of the library, or leave out both it and password where the library wants none",
        "password": "the password of username, or leave out both where the library wants none",
    },
    api=r"/lm/custom(/rest(/.*)?)?",
    missing=(
        "There is nothing like that. {url} has to be the address of Lifecycle Manager, with its port, without"
        " /lm/custom/rest and without pages; {library} and {function_name} have to be those of a library whose"
        " configuration (LPC) declares a function of the class ImportUtils."
    ),
    credentials="{username} and {password} have to be those of a user of the library, with the role ACE to import.",
    fields=FIELDS,
)


@dataclass(frozen=True)
class LibraryFunction:
    """The function of class ImportUtils of a library. Raises `BadInput` for a name that cannot be part of a path."""

    library: str
    name: str

    def __post_init__(self) -> None:
        for option, name in (("library", self.library), ("function_name", self.name)):
            if not name.strip() or name in (".", "..") or not name.isprintable() or name != name.strip():
                raise BadInput(f"{option} {name!r} is not a name: it is empty, made of dots, or has space around it.")
            if "/" in name:
                raise BadInput(f"{option} {name!r} has a slash in it; give the bare name, the path is made from it.")

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> LibraryFunction:
        """The function that the options name."""
        return cls(params["library"], params["function_name"])

    @property
    def path(self) -> str:
        """The path of its calls, below the base URL."""
        return f"/lm/custom/rest/{quote(self.library, safe='')}/{quote(self.name, safe='')}"


def credentials(username: str | None, password: str | None) -> dict[str, str]:
    """The header for Basic authentication, or none where the library wants none. Raises `BadInput` for half of it."""
    if username is None and password is None:
        return {}
    if username is None or password is None:
        missing = "username" if username is None else "password"
        raise BadInput(
            f"{GUIDE.named(missing)} is missing: give both username and password, or none for a library without."
        )
    if not username.strip() or ":" in username or not username.isprintable():
        raise BadInput(f"username {username!r} is empty, or has a colon or a control character in it.")
    return basic_credentials(username, password)
