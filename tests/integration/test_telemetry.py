import os
import subprocess
import sys
from pathlib import Path


def test_reading_keeps_no_store_of_usage_events_and_names_no_place_to_send_them(tmp_path: Path) -> None:
    env = {name: text for name, text in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    env["HOME"] = str(tmp_path)
    code = "from platestream.reading.factory import PlateReader; PlateReader(None, 1)"
    subprocess.run([sys.executable, "-c", code], env=env, check=True, timeout=120)
    assert [path for path in tmp_path.rglob("*") if "onnxruntime" in str(path).lower()] == []
