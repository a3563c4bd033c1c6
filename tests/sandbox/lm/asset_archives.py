# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes asset archives as the sandbox reads them, the same bytes each time.

`python -m tests.sandbox.lm.asset_archives tests/fixtures/lm` writes the fixtures.
"""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

from .archives import COLUMNS, AssetRow

DEMO = "contents_LibraryDemo.zip"
"""File name of the demonstration's archive, which is that of the example on the vendor's page."""


def asset_archive(assets: Iterable[AssetRow], attribute_delimiter: str = "|", value_delimiter: str = "^") -> bytes:
    """An archive with one table of these assets."""
    return packed({"assets.txt": table(assets, attribute_delimiter, value_delimiter)})


def table(assets: Iterable[AssetRow], attribute_delimiter: str = "|", value_delimiter: str = "^") -> str:
    """A delimited file; its attributes are in the order in which they first occur."""
    rows = list(assets)
    attributes = list(dict.fromkeys(name for row in rows for name in row.attributes))
    lines = [[*COLUMNS, *attributes]]
    for row in rows:
        values = [value_delimiter.join(row.attributes.get(name, [])) for name in attributes]
        lines.append([row.name, row.version, row.id, row.description, *values])
    return "".join(attribute_delimiter.join(line) + "\n" for line in lines)


def packed(members: dict[str, str]) -> bytes:
    """A zip of these texts. Nothing in it depends on time, or on how well this Python compresses."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, text in members.items():
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, text.encode())
    return file.getvalue()


def numbered(count: int, version: str = "1.0") -> list[AssetRow]:
    """So many assets, with nothing special about them."""
    return [AssetRow(f"Service {number}", version, f"service-{number}") for number in range(1, count + 1)]


def fixtures() -> dict[str, bytes]:
    """The archives under `tests/fixtures/lm`, by file name."""
    return {DEMO: packed({"assets.txt": table(_DEMO_ASSETS), "documents/README.md": "Documents of the assets.\n"})}


def main(folder: str) -> None:
    """Write the fixtures."""
    for name, content in fixtures().items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _demo(name: str, version: str, kind: str, description: str, domains: list[str], owner: str) -> AssetRow:
    identifier = f"urn:assetops:{name.lower().replace(' ', '-')}:{version}"
    attributes = {"asset-type": [kind], "business-domain": domains, "owner": [owner], "lifecycle": ["production"]}
    return AssetRow(name, version, identifier, description, attributes)


_DEMO_ASSETS = [
    _demo("Customer API", "2.1.0", "API", "Customers and their contacts", ["sales", "service"], "crm-team"),
    _demo("Customer API", "2.2.0", "API", "Customers, contacts and consents", ["sales", "service"], "crm-team"),
    _demo("Order API", "1.4.2", "API", "Places and follows orders", ["sales", "logistics"], "order-team"),
    _demo("Pricing API", "3.0.0", "API", "Prices and discounts for a basket", ["sales"], "order-team"),
    _demo("Invoice Service", "5.7.1", "Service", "Issues and cancels invoices", ["finance"], "billing-team"),
    _demo("Payment Gateway", "4.0.3", "Service", "Takes card and bank payments", ["finance"], "billing-team"),
    _demo("Shipment Tracking", "1.9.0", "Service", "Where a parcel is", ["logistics"], "warehouse-team"),
    _demo("Stock Level API", "2.0.0", "API", "Stock by warehouse and article", ["logistics"], "warehouse-team"),
    _demo("Address Check", "1.1.5", "Service", "Checks addresses in Köln, Zürich, Łódź", ["service"], "crm-team"),
    _demo("Document Store", "6.2.0", "Service", "Keeps documents for ten years", ["finance", "legal"], "platform-team"),
    _demo("Identity Provider", "8.3.1", "Service", "Signs people and machines in", ["security"], "platform-team"),
    _demo("Order Event Schema", "1.0.0", "Schema", "Messages about orders", ["sales", "logistics"], "order-team"),
]


if __name__ == "__main__":
    main(sys.argv[1])
