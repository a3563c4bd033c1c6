# Copyright: (c) 2026, assetops.imports maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an answer is: a success, a refusal, a page, a JSON object, and when it was given.

Private to this collection: names may change without notice.
"""

from __future__ import annotations

import email.utils
import json
import re
from datetime import datetime, timezone
from typing import Any

from ansible_collections.assetops.imports.plugins.module_utils._common.contract import Answer

NOT_PROCESSED = (301, 302, 307, 308)  # these ask for the same request elsewhere; a 303 may follow a processed one
CLIENT_ERRORS = {*range(400, 408), *range(409, 419), *range(421, 427), 428, 429, 431, 451}  # as HTTP defines them
HTTP_DATE = re.compile(  # IMF-fixdate, RFC 850 and asctime, without the weekday
    r"(?<!\d)\d{1,2}[ -][a-z]{3}[ -](\d{4}|\d\d) \d\d:\d\d:\d\d (GMT|UTC?|[+-]\d{4})"
    r"|(?<![a-z])[a-z]{3} [ \d]\d \d\d:\d\d:\d\d \d{4}",
    re.ASCII | re.IGNORECASE,
)


def is_success(answer: Answer) -> bool:
    return 200 <= answer.status < 300


def is_json(answer: Answer) -> bool:
    try:
        json_object(answer)
    except ValueError:
        return False
    return True


def is_refusal(answer: Answer) -> bool:
    """A redirect, or a 4xx that HTTP defines, except a timeout (408). The meaning of any other 4xx is not known."""
    return 300 <= answer.status < 400 or answer.status in CLIENT_ERRORS


def is_early_refusal(answer: Answer) -> bool:
    """The same for an answer that came before the whole request was sent: nothing can have been done."""
    return 300 <= answer.status < 500 and answer.status != 408


def is_final_refusal(answer: Answer) -> bool:
    """The same for an answer to the whole request: only a status that says that nothing was done."""
    return answer.status in NOT_PROCESSED or answer.status in CLIENT_ERRORS


def json_object(answer: Answer) -> dict[str, Any]:
    """The JSON object in a whole answer, whatever its content type. Raises ValueError for anything else.

    Half a surrogate pair, which JSON can hold but UTF-8 text cannot, is replaced.
    """
    if not answer.is_whole:
        raise ValueError("not all of it is known")
    try:
        value = json.loads(answer.text)
        text = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
        value = json.loads(text.decode("utf-8", "replace"))
    except RecursionError:
        raise ValueError("JSON too deep to be right") from None
    if not isinstance(value, dict):
        raise ValueError("JSON, but no object")
    return value


def date_of(answer: Answer) -> datetime | None:
    """When the server answered, by its own clock (RFC 9110, Date); None if it does not say."""
    return parse_http_date(answer.headers.get("date", ""))


def is_login_page(answer: Answer) -> bool:
    """Whether it is a page with a password field: the server did not treat the request as an API call."""
    return is_html(answer) and re.search(r"<input[^>]*type=[\"']?password", answer.text, re.IGNORECASE) is not None


def is_html(answer: Answer) -> bool:
    """Whether it is a page: it begins like one, or its content type is HTML and it does not begin like JSON."""
    beginning = answer.text.lstrip()[:1]
    return beginning == "<" or (
        beginning not in ("{", "[") and "html" in answer.headers.get("content-type", "").lower()
    )


def parse_http_date(text: str) -> datetime | None:
    """The first valid HTTP date in a header (RFC 9110, 5.6.7); a proxy may have added a second one.

    The weekday is ignored. A date before 1970 is not from a working clock.
    """
    for found in HTTP_DATE.finditer(text):
        try:
            date = email.utils.parsedate_to_datetime(found.group().replace(":60", ":59"))  # a leap second
            date = date.astimezone(timezone.utc) if date.tzinfo else date.replace(tzinfo=timezone.utc)
        except (TypeError, ValueError, IndexError, OverflowError):  # which of them depends on the Python
            continue
        if date.year >= 1970:
            return date
    return None
