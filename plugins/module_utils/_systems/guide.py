# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A guide to the options of a system: how people can set them, and what to set them to.

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

PAGE = r"/[^/]+\.(?:html?|jsp|php|aspx?)$"  # the end of a path that a browser shows; no API has it
COMMON_ADVICE: Mapping[int, str] = {
    407: "That is a proxy's answer: see the environment variables http_proxy, https_proxy and no_proxy, and use_proxy.",
    413: "The server, or a proxy before it, does not take so much at once.",
}


@dataclass(frozen=True)
class Guide:
    """The texts about a system's options.

    `environment`: the environment variables of options. `meanings`: what to set an option to that must not be empty;
    for `url`, how the address looks. `api`: a regular expression for what follows the address in URLs of the system,
    which the modules add themselves. `missing`, `credentials`: what to do about HTTP 404, and about 401 and 403; in
    them `{url}` and so on stand for options. `fields`: the system's names for the parts of its answers.
    """

    system: str
    environment: Mapping[str, str]
    meanings: Mapping[str, str]
    api: str
    missing: str
    credentials: str
    fields: tuple[str, ...] = ()

    def named(self, option: str) -> str:
        """An option with its role variable and environment variable."""
        role = f"role variable {ROLES[self.system]}_{option}"
        variable = self.environment.get(option)
        return f"{option} ({role}{f', environment variable {variable}' if variable else ''})"

    @property
    def advice(self) -> Mapping[int, str]:
        """What to do about an answer, by its HTTP status."""
        missing, credentials = self._filled_in(self.missing), self._filled_in(self.credentials)
        return {**COMMON_ADVICE, 401: credentials, 403: credentials, 404: missing}

    def check(self, params: Mapping[str, Any]) -> None:
        """Raise `BadInput` for an option that is empty, and for a `url` that is missing or more than an address."""
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
        match = re.search(f"(?:{self.api})$|{PAGE}", path)
        if match:
            shown = url.partition("?")[0]
            raise BadInput(f"url {shown!r} is more than the address of the server: leave out {match[0]!r}. {where}")

    def _filled_in(self, text: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda match: self.named(match[1]), text)
