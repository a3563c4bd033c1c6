# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of Haplo's user interface, as its templates and forms library make them, without white space between tags.

What is in `z__ws_content` is theirs to the letter, but for the picture and the addresses of a file. The layout is
simplified.
"""

from __future__ import annotations

import html
from collections.abc import Callable

from .batches import Batch, Upload

BATCHES, CONTROL_FILE = "/do/haplo-data-import-batch/batch", "/do/haplo-data-import-batch/control-file"
_UI = "/do/haplo-data-import-batch"

_HEADINGS = "".join(f"<th>{heading}</th>" for heading in ("Identifier", "State", "Errors", "Created", "Comment"))
_TO_LOG = ' &nbsp; <a href="#import-log" role=button>view log below...</a>'
_DRY_RUN_NOTICE = (
    '<div role="alert" class="z__acknowledgment_notice"><div class="z__acknotice_message">'
    "<p>Dry run only: This application has not been updated with imported data.</p></div></div>"
)

Date = Callable[[float], str]
"""Writes sandbox seconds as the user interface does."""


def batches(found: list[Batch], date: Date, shown_characters: int) -> str:
    """The list of all batches, the newest first, with so much of their identifiers."""
    rows = "".join(_list_row(batch, date, shown_characters) for batch in reversed(found))
    content = (
        f"<p>Batches: {len(found)}</p><table><tr>{_HEADINGS}</tr>{rows}</table><p>&nbsp;</p>"
        f'<p>To create a new batch, select a <a href="{_UI}/control-files">control file</a> '
        "and click 'New batch...'</p>"
    )
    return page("Batch import jobs", content)


def batch(found: Batch, date: Date) -> str:
    """A batch, with its log once it has ended."""
    return page(
        f"Batch import: {found.comment}",
        f"<table>{_facts(found, date)}</table>{_what_can_be_done(found)}{_files(found)}{_log(found)}",
    )


def stopped(message: str) -> str:
    """A request that the handler does not go on with."""
    return page("Error", f'<div class="z__general_alert">{_text(message)}</div>')


def login(goes_to: str) -> str:
    """The page that asks for a password, and then goes on to another one. Simplified."""
    content = (
        "<p>You are not currently logged in. To continue, you need to log into your account.</p>"
        '<form method="POST" action="/do/authentication/login">'
        f'<input type="hidden" name="rdr" value="{html.escape(goes_to)}">'
        '<p><label for="email">Email</label><br><input id="email" name="email" size="30" type="email"></p>'
        '<p><label for="password">Password</label><br><input id="password" name="password" size="30" type="password"> '
        '<input type="submit" value="Log in" class="z__login_button"></p></form>'
    )
    return page("Log in to your account", content)


def page(title: str, content: str) -> str:
    """The layout."""
    title = html.escape(title).replace("&#x27;", "&#39;")
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n  <title>{title} : Haplo</title>\n</head>\n<body>\n'
        '<a id="z__skip_link" href="#z__ws_content">Skip to content</a>\n'
        '<div id="z__header_haplo" class="z__with_haplo_logo" role="banner"><a href="/">Haplo</a></div>\n'
        f'<div id="z__page">\n  <div id="z__page_name">\n    <h1>{title}</h1>\n  </div>\n'
        f'  <div id="z__ws_content" role="main">\n    {content}\n  </div>\n</div>\n'
        '<div id="z__logo_display" role="contentinfo"><a href="/do/c">Copyright</a></div>\n</body>\n</html>\n'
    )


def _list_row(found: Batch, date: Date, shown_characters: int) -> str:
    link = f'<a href="{BATCHES}/{found.row}">{found.identifier[:shown_characters]}...</a>'
    cells = (link, found.state(), _number(found.errors), date(found.created), _text(found.comment))
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _facts(found: Batch, date: Date) -> str:
    control = f'<a href="{CONTROL_FILE}/{found.control_row}">{found.control.sha256}</a>'
    state = found.state()
    facts = {
        "Identifier": found.identifier,
        "Control file": control,
        "Created": date(found.created),
        "Comment": _text(found.comment),
        "State": state + (_TO_LOG if state in ("complete", "dry-run") else ""),
        "Errors": _number(found.errors),
    }
    return "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in facts.items())


def _what_can_be_done(found: Batch) -> str:
    """After a dry run. (Batches made in the user interface can be scheduled here, too; there are none.)"""
    if found.state() != "dry-run":
        return ""
    link = f'<a role="button" class="z__button_link" href="{_UI}/copy-batch/{found.row}">Copy as new batch...</a>'
    return f"{_DRY_RUN_NOTICE}<p>{link}</p>"


def _files(found: Batch) -> str:
    """All uploads in order, or an empty one."""
    rows = "".join(_file(number, upload) for number, upload in enumerate(found.uploads or [None]))
    return f'<div class="oforms-repeat">{rows}</div>'


def _file(number: int, upload: Upload | None) -> str:
    name = digest = shown = ""
    if upload is not None:
        name, digest = html.escape(upload.name), upload.file.sha256
        # Thumbnail and addresses, which are signed for the session, are guesses.
        address = f"/file/{digest}/{html.escape(upload.file.file_name)}"
        shown = (
            f'<div class="z__oforms_file"><a href="{address}"><span class="z__oforms_file_thumbnail">'
            f'<img src="/images/file.gif"></span><span class="z__oforms_file_filename">'
            f'{html.escape(upload.file.file_name)}</span></a><a href="{address}?preview" '
            'class="z__file_preview_link">Preview</a></div>'
        )
    fields = (
        _field(f"_ofe_name.{number}", "Name", name, 2),
        _field(f"_ofe_digest.{number}", "Digest", digest, 3),
        _field(f"_ofe_file.{number}", "", shown, 4),
    )
    return f'<div class="oforms-repetition oforms-has-multiple">{"".join(fields)}</div>'


def _field(identifier: str, label: str, content: str, order: int) -> str:
    given = label and (
        f'<label class="control-label form-check-label" id="_l_{identifier}" for="{identifier}">{label}</label>'
    )
    return (
        f'<div class="oforms-display-row control-group" data-order="{order}">{given}'
        f'<div class="controls" id="{identifier}" aria-labelledby="_l_{identifier}">{content}</div></div>'
    )


def _log(found: Batch) -> str:
    if not found.log:
        return ""
    lines = "\n".join(found.log)
    return f'<h2 id="import-log">Log</h2><pre>{_text(lines)}</pre>'


def _number(number: int | None) -> str:
    return "" if number is None else str(number)


def _text(text: str) -> str:
    """Quotes stay as they are."""
    return html.escape(text, quote=False)
