"""Requests as devices make them, for tests and demonstrations: one function for each format."""

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Passing:
    """One vehicle that passes the simulated camera; without a `picture` the device sends none."""

    plate: str
    at: datetime
    confidence: float = 0.93
    picture: bytes = b""
    color: str = "white"
    lane: int = 2
    speed_kmh: float = 48.0

    @property
    def base64(self) -> str:
        """The picture in base64."""
        return b64encode(self.picture).decode()


@dataclass(frozen=True)
class DeviceRequest:
    """The request of a device: path below the camera's address, type and body."""

    path: str
    content_type: str
    body: bytes


BOUNDARY = "platestream-simulated"


def form(*parts: tuple[str, str, str, bytes]) -> DeviceRequest:
    """Return a multipart form of parts (name, file name, type, content); empty contents are left out."""
    body = b"".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'.encode()
        + (f'; filename="{file}"'.encode() if file else b"")
        + f"\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n\r\n".encode()
        + data
        + b"\r\n"
        for name, file, kind, data in parts
        if data
    )
    closed = body + f"--{BOUNDARY}--\r\n".encode()
    return DeviceRequest("/", f"multipart/form-data; boundary={BOUNDARY}", closed)


def json_request(document: Any, path: str = "/") -> DeviceRequest:
    """Return a JSON document as a body."""
    return DeviceRequest(path, "application/json", json.dumps(document).encode())


def _hikvision(one: Passing) -> DeviceRequest:
    percent = round(100 * one.confidence)
    xml = f"""<?xml version="1.0" encoding="UTF-8"?>
<EventNotificationAlert version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">
<channelID>1</channelID><dateTime>{one.at.isoformat(timespec="seconds")}</dateTime>
<eventType>ANPR</eventType><eventState>active</eventState><eventDescription>ANPR</eventDescription>
<ANPR><country>0</country><licensePlate>{one.plate}</licensePlate><line>{one.lane}</line>
<direction>forward</direction><confidenceLevel>{percent}</confidenceLevel>
<plateCharBelieve>{",".join([str(percent)] * len(one.plate))}</plateCharBelieve>
<vehicleType>vehicle</vehicleType>
<vehicleInfo><color>{one.color}</color><speed>{one.speed_kmh:.0f}</speed></vehicleInfo>
<pictureInfoList><pictureInfo><fileName>detectionPicture.jpg</fileName>
<plateRect><X>430</X><Y>275</Y><width>106</width><height>65</height></plateRect>
<vehicelRect><X>271</X><Y>0</Y><width>425</width><height>426</height></vehicelRect></pictureInfo>
</pictureInfoList></ANPR><countryAbbreviation>USA</countryAbbreviation></EventNotificationAlert>"""
    return form(
        ("anpr.xml", "anpr.xml", "application/xml", xml.encode()),
        ("detectionPicture.jpg", "detectionPicture.jpg", "image/jpeg", one.picture),
    )


def _axis(one: Passing) -> DeviceRequest:
    document = {
        "packetCounter": "1",
        "capture_timestamp": f"{one.at.timestamp() * 1000:.0f}",
        "plateUTF8": one.plate,
        "plateCountry": "USA",
        "plateConfidence": f"{one.confidence:.6f}",
        "carState": "new",
        "roiID": str(one.lane),
        "carID": f"{one.at.timestamp():.3f}",
        "carMoveDirection": "in",
        "plateCoordinates": [430, 275, 106, 65],
    }
    event = json.dumps(document).encode()
    return form(("event", "", "application/json", event), ("image", "image.jpg", "image/jpeg", one.picture))


def _milesight(one: Passing) -> DeviceRequest:
    return json_request(
        {
            "device": "Network Camera",
            "time": one.at.replace(tzinfo=None).isoformat(" ", timespec="milliseconds"),
            "plate": one.plate,
            "type": "Visitor",
            "speed": f"{one.speed_kmh:.0f}",
            "direction": "Approach",
            "detection_region": str(one.lane),
            "region": "USA",
            "coordinate_x1": "430",
            "coordinate_y1": "275",
            "coordinate_x2": "536",
            "coordinate_y2": "340",
            "confidence": f"{one.confidence:.2f}",
            "vehicle_type": "Car",
            "vehicle_color": one.color,
            "Vehicle Brand": "-",
            **({"full_image": one.base64} if one.picture else {}),
        }
    )


def _platerecognizer(one: Passing) -> DeviceRequest:
    found = {
        "plate": one.plate.lower(),
        "score": one.confidence,
        "box": {"xmin": 430, "ymin": 275, "xmax": 536, "ymax": 340},
        "region": {"code": "us-az", "score": 0.6},
        "vehicle": {"type": "Sedan", "score": 0.7, "box": {"xmin": 200, "ymin": 0, "xmax": 700, "ymax": 400}},
        "color": [{"color": one.color, "score": 0.7}],
        "model_make": [{"make": "Ford", "model": "Focus", "score": 0.4}],
        "direction": 210,
        "speed": one.speed_kmh,
    }
    data = {"camera_id": "camera-1", "timestamp": one.at.isoformat(), "results": [found]}
    return form(
        (
            "json",
            "",
            "application/json",
            json.dumps({"hook": {"event": "recognition"}, "data": data}).encode(),
        ),
        ("upload", "image.jpg", "image/jpeg", one.picture),
    )


def _dahua(one: Passing) -> DeviceRequest:
    local = one.at.replace(tzinfo=None).isoformat(" ", timespec="milliseconds")
    document = {
        "Plate": {
            "IsExist": True,
            "PlateNumber": one.plate,
            "Confidence": round(100 * one.confidence),
            "BoundingBox": [1000, 2000, 3000, 2500],
        },
        "Vehicle": {
            "VehicleColor": one.color,
            "VehicleType": "PassengerCar",
            "Speed": one.speed_kmh,
            "BoundingBox": [500, 100, 4000, 4000],
        },
        "SnapInfo": {"AccurateTime": local, "LanNo": one.lane, "Direction": "Obverse"},
        **({"NormalPic": {"PicName": "1.jpg", "Content": one.base64}} if one.picture else {}),
    }
    return json_request({"Picture": document}, "/NotificationInfo/TollgateInfo")


def _openalpr(one: Passing) -> DeviceRequest:
    percent = 100 * one.confidence
    return json_request(
        {
            "data_type": "alpr_group",
            "epoch_start": round(one.at.timestamp() * 1000),
            "best_plate_number": one.plate,
            "best_confidence": percent,
            "best_region": "us-az",
            "travel_direction": 85.5,
            "candidates": [{"plate": one.plate, "confidence": percent}],
            "best_plate": {
                "coordinates": [{"x": 430, "y": 275}, {"x": 536, "y": 340}],
                "vehicle_region": {"x": 200, "y": 0, "width": 500, "height": 400},
            },
            "vehicle": {"color": [{"name": one.color, "confidence": 70.0}]},
            **({"vehicle_crop_jpeg": one.base64} if one.picture else {}),
        }
    )


def _unifi(one: Passing) -> DeviceRequest:
    milliseconds = round(one.at.timestamp() * 1000)
    trigger = {"key": "license_plate_unknown", "value": one.plate, "timestamp": milliseconds}
    return json_request({"alarm": {"name": "LPR", "triggers": [trigger]}, "timestamp": milliseconds})


def _frigate(one: Passing) -> DeviceRequest:
    return json_request(
        {
            "type": "lpr",
            "id": f"{one.at.timestamp():.6f}-simula",
            "plate": one.plate,
            "score": one.confidence,
            "camera": "gate",
            "timestamp": one.at.timestamp(),
            "plate_box": [430, 275, 536, 340],
        }
    )


def _onvif(one: Passing) -> DeviceRequest:
    image = f"<tt:Image>{one.base64}</tt:Image>" if one.picture else ""
    xml = f"""<?xml version="1.0" encoding="UTF-8"?>
<tt:MetadataStream xmlns:tt="http://www.onvif.org/ver10/schema"><tt:VideoAnalytics>
<tt:Frame UtcTime="{one.at.isoformat()}"><tt:Object ObjectId="1"><tt:Appearance>
<tt:VehicleInfo><tt:Type>Car</tt:Type><tt:Color>{one.color}</tt:Color>{image}</tt:VehicleInfo>
<tt:LicensePlateInfo>
<tt:PlateNumber Likelihood="{one.confidence}">{one.plate}</tt:PlateNumber>
<tt:CountryCode>US</tt:CountryCode></tt:LicensePlateInfo>
<tt:Shape><tt:BoundingBox left="430" top="275" right="536" bottom="340"/></tt:Shape>
</tt:Appearance></tt:Object></tt:Frame>
</tt:VideoAnalytics></tt:MetadataStream>"""
    return DeviceRequest("/", "application/xml", xml.encode())


DEVICES: dict[str, Callable[[Passing], DeviceRequest]] = {
    "hikvision": _hikvision,
    "axis": _axis,
    "milesight": _milesight,
    "platerecognizer": _platerecognizer,
    "dahua": _dahua,
    "openalpr": _openalpr,
    "unifi": _unifi,
    "frigate": _frigate,
    "onvif": _onvif,
}
"""The devices by the name of their format."""
WITHOUT_PICTURE = ("unifi", "frigate")
"""Devices that send no picture."""
