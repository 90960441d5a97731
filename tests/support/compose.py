"""docker-compose.yml and the Dockerfile, as tests ask them."""

import runpy
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
GENERATOR = runpy.run_path(str(ROOT / "deploy" / "make_secrets.py"))

FLOWS = ("recognize", "match", "audit", "notify")
ONE_SHOT = ("setup", "tools")
JOBS = ("retention", "cameras", "publish")
SENDERS = ("feeds", "evidence")
OURS = (*FLOWS, *JOBS, *ONE_SHOT, *SENDERS, "console", "partners")


def environment(service: str) -> dict[str, str]:
    return dict(SERVICES[service].get("environment", {}))


def mounts(service: str) -> list[tuple[str, str]]:
    pairs = [volume.split(":") for volume in SERVICES[service].get("volumes", [])]
    return [(source, target) for source, target, *_mode in pairs]
