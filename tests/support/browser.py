"""Chromium for the tests of pages: found, or else installed, and driven by Selenium."""

import shutil
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from tests.support import debian

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium", "chromium-driver")  # Debian's
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # root, as in a container, gets none
    "--disable-dev-shm-usage",  # nor does a container have much of it
    "--disable-gpu",
    "--no-first-run",
    # It looks up hosts of its maker, and where there is no internet it waits for them.
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A mouse, at rest: without one, every chart shows the buttons that it has for a hovering one.
    "--blink-settings=primaryHoverType=2,availableHoverTypes=2,"
    "primaryPointerType=4,availablePointerTypes=4",
)


def start(
    profile: Path, width: int = 1280, height: int = 800, scale: float = 1
) -> webdriver.Chrome:
    """Return a browser with an empty folder as its profile, or fail.

    Its pages are `width` × `height` CSS pixels; a picture has `scale` pixels for each of them.
    """
    refused = "" if _binary() and _driver() else debian.install(*PACKAGES)
    options = Options()
    for argument in ARGUMENTS:
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={profile}")
    options.binary_location = _binary() or ""
    try:
        # Where either is missing, Selenium downloads a pair that fits, if it can.
        driver = webdriver.Chrome(options, Service(_driver()))
    except WebDriverException as error:
        reasons = " ".join(f"{refused} {error.msg}".split())
        pytest.fail(
            f"No browser starts ({reasons[:500]}): install Chromium with its driver (Debian's "
            f"packages {' and '.join(PACKAGES)}) or Google Chrome, then run this test again.",
            pytrace=False,
        )
    size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    return driver


def _binary() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def _driver() -> str | None:
    return shutil.which("chromedriver")
