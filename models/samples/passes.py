"""The script of the sample set: three cameras in St. Johns, Arizona, and what drives past them.

All vehicles, plates and cameras are invented. The light goes from day over evening to night in half an hour,
so that a short set shows each.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from models.samples.geometry import View
from models.samples.light import Hour
from models.samples.plates import PlateLook
from models.samples.street import Street
from models.samples.vehicles import Vehicle


@dataclass(frozen=True)
class Site:
    """A camera: where it hangs (degrees, WGS 84), what it looks at."""

    camera_id: str
    place: str
    latitude: float
    longitude: float
    view: View
    street: Street


SITES: dict[str, Site] = {
    site.camera_id: site
    for site in (
        Site("stj-01", "Cleveland Street, westbound", 34.50586, -109.36094,
             View(x=1.1, eye=1.7, yaw=0.2, pitch=3.1), Street(1, "HARDWARE STORE", trees=0.5)),
        Site("stj-02", "Commercial Street, northbound", 34.50702, -109.35871,
             View(x=-0.1, eye=1.8, yaw=0.0, pitch=3.4, focal=2750.0), Street(5, trees=0.8)),
        Site("stj-03", "Washington Street, southbound", 34.50391, -109.36322,
             View(x=3.9, eye=1.9, yaw=-10.5, pitch=3.6), Street(9)),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Pass:
    """Vehicles passing one camera. `at` is seconds after the set's start, `step` milliseconds between frames.

    `speed` in metres a second: vehicles seen from behind move away by it, those seen from the front come
    nearer.
    `vehicles` stand where they are in the first frame. `meta` is what the camera itself knows of the vehicle.
    """

    kind: str
    camera_id: str
    at: float
    frames: int
    vehicles: tuple[Vehicle, ...] = ()
    step: int = 160
    speed: float = 9.0
    hour: Hour = "day"
    rain: float = 0.0
    blur: float = 0.0
    corrupt: bool = False
    meta: dict[str, str] = field(default_factory=dict)


def _meta(make: str, model: str, colour: str, body: str) -> dict[str, str]:
    return {"make": make, "model": model, "colour": colour, "body": body}


RIGHT, LEFT = 1.55, -1.55
"""Where in metres vehicles drive: away from the camera on the right, towards it on the left."""

PASSES: tuple[Pass, ...] = (
    Pass("empty street", "stj-01", 0, 1),
    Pass("plain", "stj-01", 21, 4, (Vehicle("pickup", "white", PlateLook("CKR4572"), RIGHT, 9.4),),
         meta=_meta("Ford", "F-150", "white", "pickup")),
    Pass("plain", "stj-02", 74, 3,
         (Vehicle("sedan", "silver", PlateLook("7MKW318", "CA"), LEFT, 12.0, front=True),),
         speed=8.0, meta=_meta("Toyota", "Camry", "silver", "sedan")),
    Pass("two vehicles, bold cactus", "stj-02", 190, 3, (
        Vehicle("sedan", "maroon", PlateLook("KRB5829", "TX"), LEFT - 0.2, 13.0, front=True),
        Vehicle("suv", "blue", PlateLook("LKA7R4E", frame=True, bold=1.0), RIGHT + 0.2, 10.4)), speed=5.0),
    Pass("motion blur", "stj-01", 287, 3, (Vehicle("sedan", "tan", PlateLook("BFK417", "NM"), RIGHT, 9.6),),
         blur=5.0, speed=14.0, step=120),
    Pass("tilted plate", "stj-03", 366, 3,
         (Vehicle("hatchback", "green", PlateLook("GHN5162", dirt=0.25), RIGHT, 10.4, plate_tilt=11),),
         meta=_meta("Honda", "Fit", "green", "hatchback")),
    Pass("O or 0", "stj-02", 451, 3, (Vehicle("suv", "black", PlateLook("BOK2917"), RIGHT - 0.3, 9.2),),
         meta=_meta("Chevrolet", "Tahoe", "black", "suv")),
    Pass("seen again", "stj-01", 622, 3,
         (Vehicle("pickup", "white", PlateLook("CKR4572"), RIGHT - 0.1, 9.7),),
         speed=11.0, meta=_meta("Ford", "F-150", "white", "pickup")),
    Pass("rain", "stj-03", 773, 3,
         (Vehicle("van", "white", PlateLook("Z38K4T", "UT"), LEFT + 0.2, 17.4, front=True, lit=True),),
         rain=0.75, meta=_meta("Ford", "Transit", "white", "van")),
    Pass("stacked letters", "stj-01", 905, 3, (Vehicle("pickup", "red", PlateLook("CM48213", rows="stacked"),
         RIGHT, 9.2),), hour="evening", speed=7.0),
    Pass("two rows", "stj-02", 1018, 3,
         (Vehicle("van", "silver", PlateLook("TR4A7K", "TX", rows="two"), RIGHT - 0.5, 8.6),),
         hour="evening", speed=6.0, meta=_meta("Ram", "ProMaster", "silver", "van")),
    Pass("look-alike", "stj-03", 1143, 3,
         (Vehicle("sedan", "gold", PlateLook("LBT8264"), RIGHT, 10.2),), hour="evening",
         meta=_meta("Nissan", "Altima", "gold", "sedan")),
    Pass("night", "stj-01", 1504, 3, (Vehicle("suv", "grey", PlateLook("HWE3958"), RIGHT, 9.4, lit=True),),
         hour="night", meta=_meta("Jeep", "Grand Cherokee", "grey", "suv")),
    Pass("night, head lamps", "stj-02", 1631, 3,
         (Vehicle("sedan", "blue", PlateLook("FB8A3E", "MO"), LEFT, 12.0, front=True, lit=True),),
         hour="night"),
    Pass("no plate", "stj-03", 1702, 1,
         (Vehicle("suv", "white", None, LEFT + 0.4, 15.5, front=True, lit=True),),
         hour="night"),
    Pass("corrupt file", "stj-02", 1755, 1, corrupt=True),
)  # fmt: skip
