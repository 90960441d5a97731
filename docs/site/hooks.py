"""Hooks of MkDocs that make the site work under the console's Content-Security-Policy, without the network.

The console allows scripts, styles and images of its own files only. Material for MkDocs writes a few scripts
into its pages, and icons as `data:` addresses into its style sheets. Both become files here. The build fails
if a page loads anything from another place.
"""

import posixpath
import re
import shutil
from hashlib import sha256
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from urllib.parse import unquote

_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_STYLED = re.compile(r"<style\b|<[a-z][^>]*\sstyle=", re.IGNORECASE)
_LOADED = re.compile(
    r"<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//[^\"'>\s]*", re.IGNORECASE
)
_ICON = re.compile(r"url\(\s*([\"']?)data:image/svg\+xml(;charset=utf-8)?,(.*?)\1\s*\)", re.DOTALL)
_UNUSED = ("assets/javascripts/lunr", "sitemap.xml", "sitemap.xml.gz", "404.html")
scripts: dict[str, str] = {}


class SiteError(Exception):
    """A page would break under the console's Content-Security-Policy, or without the network."""


def on_post_page(output: str, page: Any, config: Any) -> str:  # noqa: ARG001 - called by name
    """Return a page whose inline scripts are files."""
    here = posixpath.dirname(page.file.dest_uri)

    def as_file(found: re.Match[str]) -> str:
        name = f"assets/javascripts/inline-{sha256(found[1].encode()).hexdigest()[:12]}.js"
        scripts[name] = found[1]
        return f'<script src="{posixpath.relpath(name, here or ".")}"></script>'

    made = _SCRIPT.sub(as_file, output)
    if styled := _STYLED.search(made):
        raise SiteError(f"{page.file.dest_uri}: an inline style, which the console refuses: {styled[0][:80]}")
    if loaded := _LOADED.search(made):
        raise SiteError(f"{page.file.dest_uri}: it loads from elsewhere: {loaded[0]}")
    return made


def on_post_build(config: Any) -> None:
    """Write the scripts and icons, and remove what no page uses."""
    site = Path(config.site_dir)
    for name, text in scripts.items():
        (site / name).write_text(text)
    for sheet in site.glob("assets/stylesheets/*.css"):
        sheet.write_text(_ICON.sub(lambda found: _icon(site, found[3]), sheet.read_text()))
        if re.search(r"url\(\s*[\"']?(?:data:|https?:|//)", sheet.read_text()):
            raise SiteError(f"{sheet}: a picture or font that is no file of the site")
    for name in _UNUSED:
        path = site / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for path in site.rglob("*.map"):
        path.unlink()
    theme = distribution("mkdocs-material").files or []
    licenses = [file for file in theme if ".dist-info" in str(file) and file.name.startswith("LICENSE")]
    (site / "assets/LICENSE.txt").write_text("\n".join(file.read_text() for file in licenses))


def _icon(site: Path, address: str) -> str:
    """Write an icon to a file, and return its address in a style sheet."""
    text = unquote(address)
    name = f"icon-{sha256(text.encode()).hexdigest()[:12]}.svg"
    (site / "assets/images" / name).write_text(text)
    return f"url(../images/{name})"
