"""Chromium for the tests of pages: found, or else installed, and driven by Selenium."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.support import debian

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_SECONDS = 120  # a page takes two where nothing else is at work
PACKAGES = ("chromium", "chromium-driver")  # Debian's
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # root, as in a container, gets none
    "--disable-dev-shm-usage",  # nor does a container have much of it
    "--disable-gpu",
    "--no-first-run",
    # It looks up hosts of its maker, and waits for them where there is no internet.
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A mouse, at rest: without one, every chart shows the buttons that it has for a hovering one.
    "--blink-settings=primaryHoverType=2,availableHoverTypes=2,"
    "primaryPointerType=4,availablePointerTypes=4",
)


def start(profile: Path, width: int = 1280, height: int = 800, scale: float = 1) -> Chrome:
    """Return a browser with an empty folder as its profile, or fail; sizes as of `resize`."""
    refused = "" if all(_installed()) else debian.install(*PACKAGES)
    binary, chromedriver = _installed()
    options = Options()
    for argument in ARGUMENTS:
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={profile}")
    options.binary_location = binary or ""
    try:
        # Where either is missing, Selenium downloads a pair that fits, if it can.
        driver = Chrome(options, Service(chromedriver))
    except WebDriverException as error:
        reasons = " ".join(f"{refused} {error.msg}".split())
        pytest.fail(
            f"No browser starts ({reasons[:500]}): install Chromium with its driver (Debian's "
            f"packages {' and '.join(PACKAGES)}) or Google Chrome, then run this test again.",
            pytrace=False,
        )
    resize(driver, width, height, scale)
    return driver


def resize(driver: Chrome, width: int, height: int, scale: float) -> None:
    """Give its pages `width` × `height` CSS pixels, each of `scale` pixels of a picture."""
    size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


@contextmanager
def running(profile: Path, **size: float) -> Iterator[Chrome]:
    """Yield a browser that `start` returns, until the block ends."""
    driver = start(profile, **size)
    try:
        yield driver
    finally:
        driver.quit()


def wait(driver: Chrome, condition: Callable[[], object], wanted: str = "") -> object:
    """Return what the condition returns once it is true."""
    ignored = [StaleElementReferenceException]
    waiting = WebDriverWait(driver, PATIENCE_SECONDS, 0.1, ignored_exceptions=ignored)
    return waiting.until(lambda _: condition(), f"{wanted} is not on {driver.current_url}")


def find_all(driver: Chrome, css: str, text: str | None = None) -> list[WebElement]:
    """Return the visible elements, of all texts or of one."""
    found = [one for one in driver.find_elements(By.CSS_SELECTOR, css) if one.is_displayed()]
    return [one for one in found if text is None or one.text == text]


def find(driver: Chrome, css: str, text: str | None = None) -> WebElement:
    """Return the first such element, as soon as there is one."""
    return wait(driver, lambda: find_all(driver, css, text), f"{css} {text or ''}")[0]


def texts(driver: Chrome, css: str) -> list[str]:
    """Return the texts of all such elements that are visible."""
    return [one.text for one in find_all(driver, css)]


def picture(folder: Path | None, driver: Chrome, name: str) -> None:
    """Keep a picture of the page, if there is a folder for it."""
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        time.sleep(3)  # until everything that moves has come to rest
        driver.save_screenshot(folder / f"{name}.png")


def _installed() -> tuple[str | None, str | None]:
    """Return the paths of Chromium and its driver."""
    return next(filter(None, map(shutil.which, NAMES)), None), shutil.which("chromedriver")
