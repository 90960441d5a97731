"""Debian's Chromium, driven by Playwright; without it a test is skipped, in CI it fails."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.conftest import skip_unless_ci


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that shows nothing on a screen."""
    found = shutil.which("chromium")
    if found is None:
        skip_unless_ci("chromium is not here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            browser.close()
