from pathlib import Path
from typing import get_args

import pytest

from platestream.cameras import config
from platestream.cameras.kinds import URLS, StreamKind
from platestream.cameras.sources.streams import PROTOCOLS
from platestream.schemas.message import RefusedError

PLACE = "latitude = 34.5\nlongitude = -109.4\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "cameras.toml"
    path.write_text(text)
    return path


def test_a_camera_needs_no_more_than_kind_address_and_place(tmp_path: Path) -> None:
    path = written(tmp_path, f'[cameras.street]\nkind = "rtsp"\nurl = "rtsp://10.0.0.1/a"\n{PLACE}')
    camera = config.load(path).cameras["street"]
    assert (camera.rate, camera.changes, camera.longest_silence) == (5.0, True, 20.0)


def test_every_protocol_has_the_schemes_of_its_addresses_and_what_opens_it() -> None:
    assert set(PROTOCOLS) == set(URLS) - {"events", "mqtt", "onvif"} == set(get_args(StreamKind))
    assert all(URLS.values())


def test_a_camera_that_sends_on_motion_may_be_silent_longer_than_a_stream(tmp_path: Path) -> None:
    path = written(tmp_path, f'[cameras.yard]\nkind = "folder"\npath = "."\n{PLACE}')
    assert config.load(path).cameras["yard"].longest_silence == 900
    path.write_text(path.read_text() + "silent = 60.0\n")
    assert config.load(path).cameras["yard"].longest_silence == 60


FRIGATE = f'format = "frigate"\nsource = "gate"\n{PLACE}'


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (f'kind = "rtsp"\nurl = "http://x/"\n{PLACE}', "must start with rtsp:// or rtsps://"),
        (f'kind = "rtsp"\nurl = "rtsp://me:secret@x/"\n{PLACE}', "put them into `credentials_file`"),
        (f'kind = "rtsp"\n{PLACE}', "`url` must start"),
        ('kind = "rtsp"\nurl = "rtsp://x/"\nlatitude = 91.0\nlongitude = 0.0', "latitude"),
        (f'kind = "usb"\n{PLACE}', "kind"),
        (f'kind = "onvif"\nurl = "http://x/onvif/device_service"\n{PLACE}', "needs `format` onvif"),
        (f'kind = "http"\n{PLACE}', "needs `credentials_file`"),
        (f'kind = "mqtt"\nurl = "mqtt://x/f"\n{PLACE}', "kind mqtt needs `format` frigate"),
        (f'kind = "mqtt"\nurl = "mqtt://x/f"\nformat = "frigate"\n{PLACE}', "needs `source`"),
        (f'kind = "mqtt"\nurl = "mqtt://x/"\n{FRIGATE}', "must end with Frigate's topic"),
        (f'kind = "mqtt"\nurl = "mqtt://x/f/#"\n{FRIGATE}', "must end with Frigate's topic"),
        (f'kind = "mqtt"\nurl = "http://x/f"\n{FRIGATE}', "must start with mqtts:// or mqtt://"),
        (f'kind = "mqtt"\nurl = "mqtt://me:secret@x/f"\n{FRIGATE}', "put them into `credentials_file`"),
        (f'kind = "mqtt"\nurl = "mqtt://x/f"\npictures = "ftp://x"\n{FRIGATE}', "`pictures` must start with"),
        (f'kind = "rtsp"\nurl = "rtsp://x/"\nsource = "gate"\n{PLACE}', "are for kind mqtt"),
        (f'kind = "folder"\n{PLACE}', "needs `path`"),
        (f'kind = "folder"\npath = "x"\ncrop = [0.5, 0.0, 0.5, 1.0]\n{PLACE}', "left before right"),
        (f'kind = "folder"\npath = "x"\ntime_zone = "Mars/Base"\n{PLACE}', "time_zone"),
        (f'kind = "folder"\npath = "x"\nrate = 0\n{PLACE}', "rate"),
        (f'kind = "folder"\npath = "x"\nrates = 1\n{PLACE}', "rates"),
        (f'kind = "http"\ncredentials_file = "open"\n{PLACE}', "chmod 600"),
        (f'kind = "http"\ncredentials_file = "empty"\n{PLACE}', "one line, user:password"),
        (f'kind = "http"\ncredentials_file = "missing"\n{PLACE}', "missing"),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_is(tmp_path: Path, table: str, says: str) -> None:
    for name, mode in (("open", 0o644), ("empty", 0o600)):
        (tmp_path / name).write_text("" if name == "empty" else "me:secret")
        (tmp_path / name).chmod(mode)
    with pytest.raises(RefusedError) as refused:
        config.load(written(tmp_path, f"[cameras.street]\n{table}"))
    assert says in str(refused.value)
    assert "street" in str(refused.value) or "cameras" in str(refused.value)
    assert "secret@" not in str(refused.value)


def test_two_cameras_never_share_an_account(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("me:secret")
    (tmp_path / "one").chmod(0o600)
    table = f'kind = "ftp"\ncredentials_file = "one"\n{PLACE}'
    with pytest.raises(RefusedError, match="share an account"):
        config.load(written(tmp_path, f"[cameras.a]\n{table}[cameras.b]\n{table}"))


def test_a_camera_name_is_one_that_the_topic_takes(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="camera"):
        config.load(written(tmp_path, f'[cameras."-x"]\nkind = "folder"\npath = "x"\n{PLACE}'))


def test_the_file_in_the_documentation_is_a_good_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs/how-to/operator/cameras.md").read_text()
    for name in ("white-mountain", "yard-gate"):
        (tmp_path / "secrets").mkdir(exist_ok=True)
        (tmp_path / "secrets" / name).write_text(f"{name}:secret")
        (tmp_path / "secrets" / name).chmod(0o600)
    found = config.load(written(tmp_path, page.split("```toml\n")[1].split("```")[0]))
    assert sorted(found.cameras) == ["white-mountain-dr-n", "yard-gate"]


def test_what_a_container_is_given_may_be_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gate").write_text("gate:secret")
    (tmp_path / "gate").chmod(0o444)
    path = written(tmp_path, f'[cameras.gate]\nkind = "http"\ncredentials_file = "gate"\n{PLACE}')
    with pytest.raises(RefusedError, match="chmod 600"):
        config.load(path)
    monkeypatch.setattr("platestream.runtime.private_file.CONTAINER_SECRETS", tmp_path)
    assert config.accounts(config.load(path), "http") == {"gate": ("gate", "secret")}
