# SPDX-License-Identifier: GPL-3.0-or-later
"""Models: the destinations that the instructions of a control file fill, and the names in them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

PERSON = "haplo:person"
"""The model that ships with the data import framework (FACTS section C.5)."""

TITLE, TYPE = "dc:attribute:title", "dc:attribute:type"

_ATTRIBUTE = re.compile(r"[a-z0-9-]+(:[a-z0-9-]+)*:attribute:[a-z0-9:-]+")
_ATTRIBUTE_TYPES = {
    TITLE: "person-name",
    TYPE: "object-type",
    "std:attribute:email": "email-address",
    "std:attribute:url": "url",
    "std:attribute:telephone": "telephone-number",
    "std:attribute:address": "postal-address",
    "std:attribute:notes": "text-paragraph",
    "std:attribute:configured-behaviour": "configuration-name",
    "std:attribute:works-for": "ref",
}


@dataclass(frozen=True)
class Destination:
    """A place where values go."""

    name: str
    is_object: bool = False
    """It becomes an object in Haplo's store, where every name may have several values."""
    is_pseudo: bool = False
    """It only helps to build a value, or to find an object."""
    is_required: bool = False
    """Each record has to fill it."""
    types: dict[str, str] | None = None
    """Data types by name; None: that of any attribute, or anything."""
    required: tuple[str, ...] = field(default=())
    """Names that have to be set."""
    object_type: str | None = None
    """Type of an object that is saved without one."""

    def data_type(self, name: str) -> str | None:
        """The data type of a name; None if there is no such name."""
        return self.types.get(name) if self.types is not None else "anything"


class _PersonProfile(Destination):
    """An application's schema may have any attributes; those that are not known here are text (guess)."""

    def data_type(self, name: str) -> str | None:
        return _ATTRIBUTE_TYPES.get(name, "text") if _ATTRIBUTE.fullmatch(name) else None


def _texts(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "text")


_PERSON_DESTINATIONS = (
    _PersonProfile("profile", is_object=True, is_required=True, object_type="std:type:person"),
    Destination(
        "value:person-name",
        is_pseudo=True,
        types=_texts("title", "first", "middle", "last", "suffix"),
        required=("last",),
    ),
    Destination(
        "value:postal-address",
        is_pseudo=True,
        types=_texts("street1", "street2", "city", "county", "postcode", "country"),
        required=("country",),
    ),
    Destination("load:by-ref", is_pseudo=True, types={"ref": "ref"}),
)


class Model:
    """The destinations of a model. Of any but haplo:person nothing is known, and whatever is named is taken."""

    def __init__(self, name: str) -> None:
        known = _PERSON_DESTINATIONS if name == PERSON else ()
        self._known = {destination.name: destination for destination in known}
        self._is_open = not known
        self.required = [destination for destination in known if destination.is_required]

    def destination(self, name: str) -> Destination | None:
        """A destination by name; None if there is no such one."""
        if not self._is_open:
            return self._known.get(name)
        is_pseudo = name.startswith(("value:", "load:"))
        return Destination(name, is_object=not is_pseudo, is_pseudo=is_pseudo)
