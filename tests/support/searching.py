"""Searches in tests of the console: vehicles that passed, and what a page and the log have of them."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import msgspec

from platestream.schemas import tables
from platestream.schemas.registry import RegistryRecord
from tests.support.clock import NOW
from tests.support.console import Pages
from tests.support.flows import READ

CASE = "26-001234"


def put(pages: Pages, plate: str, camera: str = "north", minutes: float = 0, **fields: Any) -> str:
    """Write a vehicle with pictures that passed two hours ago and so many minutes; return its id."""
    at = NOW - timedelta(hours=2) + timedelta(minutes=minutes)
    one = msgspec.structs.replace(
        READ, detection_id=uuid4(), plate=plate, camera_id=camera, captured_at=at, best_at=at, **fields
    )
    pages.database.put(tables.DETECTIONS, one)
    pages.database.put(tables.IMAGES, one)
    return str(one.detection_id)


def camera(name: str, latitude: float) -> RegistryRecord:
    return RegistryRecord(kind="camera", id=name, name=name, latitude=latitude, longitude=-109.37)


OF_PEOPLE = "kind != 'account_sign_in'"


def looks(pages: Pages, tool: str = "console") -> list[tuple[str, ...]]:
    """Inquiries in the log, oldest first."""
    rows: list[tuple[str, ...]] = pages.database.rows(
        "SELECT who, kind, outcome, case_number, pattern FROM platestream.inquiry_log"
        f" WHERE tool = '{tool}' ORDER BY at"
    )
    return rows


def text(page: str) -> str:
    """The text of a page, without tags."""
    return " ".join(unescape(re.sub("<[^>]+>", " ", page)).split())


def shown(page: str) -> list[str]:
    """Plates of the list."""
    return [
        re.sub("<[^>]+>", "", one) for one in re.findall(r'<span class="plate"><b>(.*?)</b>', page, re.DOTALL)
    ]
