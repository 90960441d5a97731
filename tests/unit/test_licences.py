"""The lock's packages by the licences that they name themselves: none forbids an agency's use."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution, metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
FORBIDDEN = re.compile(
    r"\bAGPL|affero|\bSSPL|server side public|\bBUSL|business source|\bBSL[- ]1\.1"
    r"|non-?commercial|\bCC-BY-NC|commons clause|polyform|elastic licen[sc]e",
    re.IGNORECASE,
)
NOTHING_SAID = {"", "UNKNOWN", "License :: OSI Approved"}
# Packages whose metadata says nothing, and how the licence file that they bring begins.
BY_FILE = {"bytewax": "Apache License", "pyftpdlib": "MIT License", "pyrage": "The MIT License (MIT)"}
# What the whole text of the GPL 3 says by the way. A package has it in its metadata for the runtime libraries
# of GCC, which come under that licence with an exception for what uses them.
OF_THE_GPL = {"numpy": {"affero", "noncommercial"}}


def locked() -> Iterator[str]:
    """The packages that the lock installs on this machine."""
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if re.match(r"[a-z0-9]", line):
            wanted = Requirement(line.rstrip(" \\"))
            if wanted.marker is None or wanted.marker.evaluate():
                yield wanted.name


def said(package: str) -> set[str]:
    """What a package's metadata says of its licence."""
    fields = metadata(package)
    texts = [text for name in ("License-Expression", "License") for text in fields.get_all(name) or []]
    classifiers = [one for one in fields.get_all("Classifier") or [] if one.startswith("License ::")]
    return {*texts, *classifiers} - NOTHING_SAID


def own_files(package: str) -> list[str]:
    """The licence files of a package, each as text."""
    found = [one for one in distribution(package).files or [] if one.name.upper().startswith("LICEN")]
    return [one.read_text() for one in found if ".dist-info" in str(one)]


PACKAGES = sorted(locked())


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_forbids_an_agencys_use_or_is_silent_of_its_licence(package: str) -> None:
    result = said(package)
    assert result or package in BY_FILE, "no licence: read the package's own files, and add it to BY_FILE"
    found = {hit.group().lower() for text in result for hit in FORBIDDEN.finditer(text)}
    assert found == OF_THE_GPL.get(package, set())


@pytest.mark.parametrize("package", sorted(BY_FILE))
def test_a_package_that_is_silent_brings_the_licence_that_is_noted(package: str) -> None:
    assert said(package) == set(), "its metadata says it now: take it out of BY_FILE"
    assert [text.split("\n")[0].strip() for text in map(str.strip, own_files(package))] == [BY_FILE[package]]


def test_each_package_under_a_gnu_licence_is_spoken_of_in_the_page() -> None:
    page = (ROOT / "docs/decisions/licenses.md").read_text()
    gnu = [one for one in PACKAGES if any(re.search(r"\bL?GPL|GNU ", text) for text in said(one))]
    assert "pygal" in gnu
    assert [one for one in gnu if f"`{one}`" not in page] == []


@pytest.mark.parametrize(
    "licence",
    [
        "AGPL-3.0-only",
        "License :: OSI Approved :: GNU Affero General Public License v3",
        "SSPL-1.0",
        "Server Side Public License",
        "BUSL-1.1",
        "Business Source License 1.1",
        "MIT, for non-commercial use",
        "CC-BY-NC-4.0",
    ],
)
def test_a_licence_that_forbids_is_recognised(licence: str) -> None:
    assert FORBIDDEN.search(licence)


@pytest.mark.parametrize("licence", ["BSL-1.0", "LGPL-3.0-or-later", "Apache-2.0", "MPL-2.0 AND MIT"])
def test_a_licence_that_lets_use_is_let_pass(licence: str) -> None:
    assert not FORBIDDEN.search(licence)


def test_the_package_asks_for_each_library_that_is_installed_here() -> None:
    """One was in the lock alone: the console of the installed package did not start."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *extras["oidc"], *extras["hsm"], *extras["s3"]]
    versions = {one.name: one.specifier for one in map(Requirement, asked)}
    lines = (ROOT / "requirements.in").read_text().splitlines()
    for pinned in (Requirement(line) for line in lines if line and not line.startswith("#")):
        (pin,) = pinned.specifier
        assert pin.version in versions[pinned.name], pinned
