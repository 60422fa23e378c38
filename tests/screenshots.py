"""Pictures of every page of a filled site: `python -m tests.screenshots FOLDER [NAME …]`."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from core.db.session import transaction
from core.settings import Settings
from tests import gallery
from tests.integration.api.conftest import Site, serve

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WIDTHS = {"phone": 400, "desktop": 1280}
SCHEMES = ("light", "dark")
COOKIE = "lacuna"


@contextmanager
def open_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-quic"])
        yield browser
        browser.close()


def open_context(browser: Browser, site: Site, *, secret: str | None, width: int, scheme: str) -> BrowserContext:
    """A reader with this window, logged in if there is a secret for the cookie."""
    context = browser.new_context(
        base_url=site.url,
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        device_scale_factor=1,
    )
    if secret:
        context.add_cookies([{"name": COOKIE, "value": secret, "url": site.url}])
    return context


def take(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        serve(Settings(data_folder=Path(data))) as site,
        open_browser() as browser,
    ):
        with transaction(site.engine) as session:
            filled = gallery.fill(session)
        for look in filled.looks:
            if names and look.name not in names:
                continue
            for size, width in WIDTHS.items():
                for scheme in SCHEMES:
                    secret = filled.secrets.get(look.role or "")
                    context = open_context(browser, site, secret=secret, width=width, scheme=scheme)
                    page = context.new_page()
                    page.goto(look.path)
                    page.screenshot(path=folder / f"{look.name}-{size}-{scheme}.png", full_page=True)
                    context.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]), sys.argv[2:])
