"""Exported passes as CSV, GeoJSON (RFC 7946) and KML (OGC 2.3)."""

from typing import Any
from xml.etree import ElementTree

import msgspec

from platestream.inquiries.export import FIELDS, CaseExport
from platestream.schemas.csv_cells import csv_line
from platestream.schemas.escape_invisible import escape_invisible

KML = "http://www.opengis.net/kml/2.2"


def csv(case: CaseExport) -> bytes:
    """Return a line for each row, which ends with the documentation, so that no line is without it."""
    given = case.documentation
    lines = [csv_line([*(case.passes[0] if case.passes else FIELDS), *given])]
    lines += [csv_line([*one.values(), *given.values()]) for one in case.passes]
    return "".join(lines).encode()


def geojson(case: CaseExport) -> bytes:
    """Return a collection of points; the documentation is its member `inquiry`. A companion, and a meeting at
    a camera that is not registered, has no geometry.
    """
    features: list[dict[str, Any]] = []
    for one in case.passes:
        named = {"id": one["detection_id"]} if "detection_id" in one else {}
        place = _place(one)
        point = {"type": "Point", "coordinates": place} if place else None
        features.append({"type": "Feature", **named, "geometry": point, "properties": one})
    whole = {"type": "FeatureCollection", "inquiry": case.documentation, "features": features}
    return msgspec.json.format(msgspec.json.encode(whole))


def kml(case: CaseExport) -> bytes:
    """Return a document of placemarks with their times; the documentation is its extended data."""
    root = ElementTree.Element("kml", xmlns=KML)
    document = ElementTree.SubElement(root, "Document")
    _text(document, "name", f"Search of {case.agency}")
    _data(document, case.documentation)
    for one in case.passes:
        named = {"id": f"d{one['detection_id']}"} if "detection_id" in one else {}
        mark = ElementTree.SubElement(document, "Placemark", named)
        _text(mark, "name", " and ".join(one[name] for name in ("plate", "other_plate") if name in one))
        if "first_at" in one:
            span = ElementTree.SubElement(mark, "TimeSpan")
            _text(span, "begin", one["first_at"])
            _text(span, "end", one["last_at"])
        else:
            _text(ElementTree.SubElement(mark, "TimeStamp"), "when", one["captured_at"])
        _data(mark, {name: str(value) for name, value in one.items()})
        if place := _place(one):
            _text(ElementTree.SubElement(mark, "Point"), "coordinates", f"{place[0]},{place[1]}")
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return written


def _place(one: dict[str, Any]) -> list[float]:
    """Return longitude and latitude; empty where there is no place."""
    return [] if one.get("latitude", "") == "" else [one["longitude"], one["latitude"]]


def _data(parent: ElementTree.Element, values: dict[str, str]) -> None:
    extended = ElementTree.SubElement(parent, "ExtendedData")
    for name, value in values.items():
        _text(ElementTree.SubElement(extended, "Data", name=name), "value", value)


def _text(parent: ElementTree.Element, name: str, content: str) -> None:
    """Add an element; XML has no place for control characters, so they are written out."""
    ElementTree.SubElement(parent, name).text = escape_invisible(content)
