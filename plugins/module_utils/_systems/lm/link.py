# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An archive that Lifecycle Manager fetches from a URL: what of the URL is sent, shown and secret.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import BadInput
from ansible_collections.assetops.imports.plugins.module_utils._http.urls import normalised_url

SHORTEST_SECRET = 4  # characters of a value in a URL's query; a shorter one is not secret
IMPORTED_ONCE = (
    "Without import_version, a URL is imported once, whatever is behind it now; set import_version to what stands for"
    " the content to have a new state imported."
)
SECRETS_IGNORED = (
    "import_url has a query, a fragment, a user or a password. These are not part of what the import is known by: with"
    " others it is the same import, and is not imported again. Set import_version to tell states of the archive apart."
)


@dataclass(frozen=True)
class Link:
    """An archive that the server fetches itself. `url` is sent, `shown` is the same without query and user info."""

    url: str
    shown: str
    version: str | None = None

    @property
    def secrets(self) -> list[str]:
        """What may be secret in the URL: user and password, the fragment, and the values in the query."""
        parts = urlsplit(self.url)
        values = [value or name for name, value in parse_qsl(parts.query, keep_blank_values=True)]
        encoded = [parts.netloc.rpartition("@")[0], parts.password or "", parts.fragment]
        given = [*map(unquote, encoded), *values]
        return [value for value in dict.fromkeys(given) if len(value) >= SHORTEST_SECRET]

    @property
    def is_public(self) -> bool:
        """Whether anybody may see the whole URL."""
        parts = urlsplit(self.url)
        return not parts.query and not parts.fragment and "@" not in parts.netloc

    def remark(self, reason: str) -> str:
        """What to know of an import of this URL without a version; `reason` is that of its result."""
        if self.version is not None:
            return ""
        if not self.is_public:
            return SECRETS_IGNORED
        return IMPORTED_ONCE if reason == "receipt" else ""


def link_to(url: str, version: str | None) -> Link:
    """The archive behind a URL. Raises `BadInput` for what is not a URL, without repeating what may be secret in it."""
    shown = re.sub(r"//.*@", "//", re.split(r"[?#]", url)[0], flags=re.DOTALL)
    try:
        parts = urlsplit(url)
        _unused = parts.port
    except ValueError:
        raise BadInput(f"import_url {shown!r} is not a URL.") from None
    if not parts.scheme or not (parts.hostname or (parts.scheme == "file" and parts.path)):
        raise BadInput(f"import_url {shown!r} is not a URL like http://acme.com/imports/contents_LibraryDemo.zip.")
    if re.search(r"[\s\x00-\x1f\x7f\\]", url) or not url.isascii():
        raise BadInput(f"import_url {shown!r} has a character in it that has to be percent-encoded in a URL.")
    if version is not None and not version.strip():
        raise BadInput("import_version is empty; leave it out to have a URL imported once.")
    return Link(url, normalised_url("import_url", url), version)
