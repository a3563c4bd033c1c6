# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people are told about the options of a system: what they are called everywhere, and what belongs in them.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import ROLES, BadInput, as_sentence
from ansible_collections.assetops.imports.plugins.module_utils._http.urls import base_url

PAGE = r"/[^/]+\.(?:html?|jsp|php|aspx?)$"  # how the path ends that a browser shows, and no API has
ALL_SYSTEMS: Mapping[int, str] = {
    407: "That is a proxy's answer: see the environment variables http_proxy, https_proxy and no_proxy, and use_proxy.",
    413: "The server, or a proxy before it, does not take so much at once.",
}


@dataclass(frozen=True)
class Guide:
    """What is told about a system's options.

    `environment`: the variables that options fall back on. `meanings`: what belongs into an option that has to be there
    if it is given; that of `url` is how the address looks. `api`: a regular expression for what follows the address in
    URLs of the system, which the modules add themselves. `missing`, `credentials`: what to do about HTTP 404, and about
    401 and 403; `{url}` and so on in them are names of options. `fields`: what the system
    calls the parts of its answers.
    """

    system: str
    environment: Mapping[str, str]
    meanings: Mapping[str, str]
    api: str
    missing: str
    credentials: str
    fields: tuple[str, ...] = ()

    def named(self, option: str) -> str:
        """An option by all its names."""
        role = f"role variable {ROLES[self.system]}_{option}"
        variable = self.environment.get(option)
        return f"{option} ({role}{f', environment variable {variable}' if variable else ''})"

    @property
    def advice(self) -> Mapping[int, str]:
        """What to do about an answer that has this HTTP status."""
        missing, credentials = self._filled_in(self.missing), self._filled_in(self.credentials)
        return {**ALL_SYSTEMS, 401: credentials, 403: credentials, 404: missing}

    def check(self, params: Mapping[str, Any]) -> None:
        """Raise `BadInput` for what is given and yet empty, and for a `url` that is missing or more than an address."""
        for option in self.meanings:
            value = params.get(option)
            if isinstance(value, str) and not value.strip():
                raise BadInput(self._empty(option))
        if params["url"] is None:
            raise BadInput(f"url is missing. {self.how_to_set('url')}")
        self._check_url(params["url"])

    def how_to_set(self, option: str) -> str:
        """All the ways to set an option, and what to set it to."""
        return f"Set {self.named(option)} to {as_sentence(self.meanings[option])}"

    def _empty(self, option: str) -> str:
        return f"{option} is empty, as where it is taken from a variable that is not set. {self.how_to_set(option)}"

    def _check_url(self, url: str) -> None:
        where = f"{self.named('url')} has to be {self.meanings['url']}."
        try:
            path = urlsplit(base_url(url)).path
        except BadInput as error:
            raise BadInput(f"{error.message} {where}") from error
        found = re.search(f"(?:{self.api})$|{PAGE}", path)
        if found:
            shown = url.partition("?")[0]
            raise BadInput(f"url {shown!r} is more than the address of the server: leave out {found[0]!r}. {where}")

    def _filled_in(self, text: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: self.named(found[1]), text)
