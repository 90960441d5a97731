"""Files of feeds that were held, in the console: shown, and imported by the administrator with a reason."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from platestream.access import signing_keys
from platestream.hotlist.feed_health import FOLDER, FeedHealth, write_health
from platestream.hotlist.files.column_map import ColumnMap
from platestream.hotlist.list_changes import listed
from platestream.hotlist.manifest import sign
from platestream.schemas.registry import RegistryRecord
from tests.support.console import Pages
from tests.support.door import person
from tests.support.searching import text

MAP = 'category = "stolen_vehicle"\ndelimiter = "|"\n[columns]\naction = 1\nNIC = 2\nLIC = 3\nLIS = 4\n'
WHY = "The state police confirmed that nine vehicles were recovered"


@pytest.fixture
def offer(pages: Pages, tmp_path: Path) -> Callable[..., Path]:
    """Write the next numbered file of the feed of `ncic` where its job fetches it to, with its fault."""
    key, signer = Ed25519PrivateKey.generate(), tmp_path / "signer.pem"
    signer.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    pages.staff(person("lee", "administrator"), person("sue", "supervisor"))
    pages.put(
        RegistryRecord(
            kind="hotlist_source",
            id="ncic",
            name="NCIC",
            feed_place="sftp://alpr@10.4.0.9/out",
            feed_key=signing_keys.public_text(key.public_key()),
            feed_layout="map",
            feed_map=ColumnMap.read(MAP).to_text(),
        )
    )

    def written(number: int, *lines: str) -> Path:
        folder = pages.data / FOLDER / "ncic"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"ncic-{number}.txt"
        path.write_text("".join(f"{line}\n" for line in lines))
        sign(path, "ncic", signer, datetime.now(UTC) + timedelta(milliseconds=number), "full", number)
        fault = "9 of 10 entries are gone, over 20%"
        write_health(pages.data, FeedHealth("ncic", datetime.now(UTC), fault))
        return path

    return written


def plates(pages: Pages) -> list[str]:
    return sorted(one.plate for one in listed(pages.streams).values())


def acts(pages: Pages) -> list[tuple[str, str]]:
    rows = pages.database.rows(
        "SELECT who, outcome FROM platestream.inquiry_log "
        "WHERE kind = 'hotlist_force' AND other = 'ncic: import' ORDER BY at"
    )
    return [(who, outcome) for who, outcome in rows]


def test_a_held_file_is_shown_and_the_administrator_imports_it_with_a_reason(
    pages: Pages, offer: Callable[..., Path]
) -> None:
    lee = pages.browser("lee")
    offer(1, *[f"A|V{number}|AST30{number}|AZ" for number in range(10, 20)])
    lee.get("/administration/lists")
    lee.send("/administration/lists/release", id="ncic", reason=WHY)
    assert len(plates(pages)) == 10
    offer(2, "A|V10|AST3010|AZ")
    lee.get("/administration/lists")
    assert "A file of ncic is held" in text(lee.page)
    assert "9 of 10 entries are gone, over 20%" in text(lee.page)
    answer = lee.send("/administration/lists/release", id="ncic", reason=WHY)
    assert answer.url.path == "/administration/lists"
    assert plates(pages) == ["AST3010"]
    assert ("lee", "allowed") in acts(pages)
    assert "is held" not in text(lee.page)
    again = lee.send("/administration/lists/release", id="ncic", reason=WHY)
    assert again.status_code == 409, "it counts once"


def test_without_a_reason_or_the_right_nothing_is_imported_and_that_is_on_record(
    pages: Pages, offer: Callable[..., Path]
) -> None:
    offer(1, "A|V10|AST3010|AZ")
    sue, lee = pages.browser("sue"), pages.browser("lee")
    sue.get("/administration/lists")
    assert "Import held file" not in sue.page
    assert sue.send("/administration/lists/release", id="nobodys", reason=WHY).status_code == 403
    lee.get("/administration/lists")
    assert lee.send("/administration/lists/release", id="ncic", reason=" ").status_code in (403, 409)
    assert lee.send("/administration/lists/release", id="nobodys", reason=WHY).status_code == 409
    assert plates(pages) == []


def test_a_file_that_another_key_signed_is_not_offered(pages: Pages, offer: Callable[..., Path]) -> None:
    path, other = offer(1, "A|EVIL|AST3010|AZ"), Ed25519PrivateKey.generate()
    signer = path.parent.parent / "other.pem"
    signer.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    sign(path, "ncic", signer, datetime.now(UTC), "full", 1)
    lee = pages.browser("lee")
    lee.get("/administration/lists")
    assert "is held" not in text(lee.page)
    assert lee.send("/administration/lists/release", id="ncic", reason=WHY).status_code == 409
    assert plates(pages) == []
