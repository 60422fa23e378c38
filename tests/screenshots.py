"""Pictures of pages, at both widths and in both schemes.

`python -m tests.screenshots FOLDER [NAME …]` fills a site by the factories and takes its pages;
`python -m tests.screenshots FOLDER NAME --of http://127.0.0.1:8400/competitions/digits` takes one of a running server,
for the account whose token is in LACUNA_TOKEN; `--small HEIGHT` makes one small picture of its head for the documents.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, BrowserContext

from core.db.session import transaction
from core.settings import Settings
from tests import gallery
from tests.chromium import open_browser
from tests.integration.api.conftest import serve

WIDTHS = {"phone": 400, "desktop": 1280}
SCHEMES = ("light", "dark")
COOKIE = "lacuna"
SMALL_WIDTH, COLOURS = 1100, 160


def open_context(browser: Browser, url: str, *, secret: str | None, width: int, scheme: str) -> BrowserContext:
    """A reader with this window, logged in if there is a secret for the cookie."""
    context = browser.new_context(
        base_url=url,
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        device_scale_factor=1,
    )
    if secret:
        context.add_cookies([{"name": COOKIE, "value": secret, "url": url}])
    return context


def take(folder: Path, names: list[str]) -> None:
    """Every page of a site filled by the factories, or those named."""
    with (
        tempfile.TemporaryDirectory() as data,
        serve(Settings(data_folder=Path(data))) as site,
        open_browser() as browser,
    ):
        with transaction(site.engine) as session:
            filled = gallery.fill(session)
        for look in filled.looks:
            if not names or look.name in names:
                secret = filled.secrets.get(look.role or "")
                shoot(browser, site.url, look.path, folder / look.name, secret=secret)


def shoot(browser: Browser, url: str, path: str, stem: Path, *, secret: str | None = None, token: str = "") -> None:
    """One page at both widths and in both schemes."""
    for size, width in WIDTHS.items():
        for scheme in SCHEMES:
            context = open_context(browser, url, secret=secret, width=width, scheme=scheme)
            if token:
                context.set_extra_http_headers({"Authorization": f"Bearer {token}"})
            page = context.new_page()
            page.goto(path)
            page.screenshot(path=f"{stem}-{size}-{scheme}.png", full_page=True)
            context.close()


def shoot_small(browser: Browser, url: str, path: str, target: Path, *, height: int, token: str = "") -> None:
    """The head of one page, light and with few colours."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    context = browser.new_context(
        base_url=url,
        viewport={"width": SMALL_WIDTH, "height": height},
        color_scheme="light",
        extra_http_headers=headers,
    )
    page = context.new_page()
    page.goto(path, wait_until="networkidle")
    page.screenshot(path=target)
    context.close()
    with Image.open(target) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)


def main(arguments: list[str]) -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("folder", type=Path)
    reader.add_argument("names", nargs="*", help="pages of tests/gallery.py, or with --of what to call the picture")
    reader.add_argument("--of", help="address of a page of a running server")
    reader.add_argument("--small", type=int, metavar="HEIGHT", help="with --of: one small picture of so many pixels")
    chosen = reader.parse_args(arguments)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    if chosen.of is None:
        take(chosen.folder, chosen.names)
        return
    address = urlsplit(chosen.of)
    site, path = f"{address.scheme}://{address.netloc}", address.path + (f"?{address.query}" if address.query else "")
    stem, token = chosen.folder / (chosen.names or ["page"])[0], os.environ.get("LACUNA_TOKEN", "")
    with open_browser() as browser:
        if chosen.small:
            shoot_small(browser, site, path, stem.with_suffix(".png"), height=chosen.small, token=token)
        else:
            shoot(browser, site, path, stem, token=token)


if __name__ == "__main__":
    main(sys.argv[1:])
