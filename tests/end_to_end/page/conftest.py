"""The page in Chromium, on models that the command line has trained."""

import gzip
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

FOLDER = Path(__file__).parent
PACKAGES = FOLDER.parents[2]
PROGRAMS = {"browser": ("chromium", "chromium-browser"), "driver": ("chromedriver",)}
SWITCHES = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update"),
    *("--no-first-run", "--disable-sync", "--disable-extensions"),
)
WIDE, PHONE = (1280, 1000), (390, 844)
SECONDS = 60.0  # for anything on the page: a busy machine may be slow


def find_program(kind):
    found_paths = [shutil.which(name) for name in PROGRAMS[kind]]
    return next((path for path in found_paths if path), None)


class Browser:
    """A Chromium that is driven as a person does: by what is on the page."""

    def __init__(self, driver, downloads):
        self.driver, self.downloads = driver, downloads

    def open(self, url, size=WIDE, dark=False):
        """Open an address as in a new window."""
        self.emulate(size, dark)
        self.driver.get("about:blank")
        self.driver.get_log("browser")
        self.driver.get(url)
        return self

    def emulate(self, size=WIDE, dark=False):
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1}
        self.command(
            "Emulation.setDeviceMetricsOverride", **metrics, mobile=width < 600
        )
        scheme = "dark" if dark else "light"
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.command("Emulation.setEmulatedMedia", features=[feature])

    def command(self, name, **arguments):
        return self.driver.execute_cdp_cmd(name, arguments)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css):
        """Wait for an element that is seen, and return it."""

        def seen():
            return next((e for e in self.all(css) if e.is_displayed()), None)

        return self.wait(seen, css)

    def text(self, css="main"):
        return self.one(css).text

    def wait(self, condition, words=""):
        end, result = time.monotonic() + SECONDS, None
        while time.monotonic() < end:
            try:
                result = condition()
            except StaleElementReferenceException:
                result = None
            if result:
                return result
            time.sleep(0.05)
        raise AssertionError(
            f"{words}: {self.driver.find_element('css selector', 'body').text}"
        )

    def wait_for(self, text, css="main"):
        """Wait until a text is on the page."""
        return self.wait(lambda: text in self.text(css), text)

    def drawn(self, series=None):
        """Wait until the forecast is drawn, with all that is known of it."""
        self.one("#chart canvas")
        self.wait(
            lambda: self.one("#forecast").get_attribute("aria-busy") == "false", "drawn"
        )
        if series is not None:
            self.wait(
                lambda: self.one("#series").get_attribute("value") == series, series
            )
        return self

    def query(self):
        """Return the parameters of the address."""
        pairs = self.run("return [...new URLSearchParams(location.search)]")
        return dict(pairs)

    def press(self, *keys):
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    def type_into(self, css, text):
        field = self.one(css)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text, Keys.TAB)

    def select(self, css, value):
        self.run(
            "arguments[0].value = arguments[1];"
            "arguments[0].dispatchEvent(new Event('change', {bubbles: true}))",
            self.one(css),
            value,
        )

    def click(self, css):
        element = self.one(css)
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def type_search(self, text):
        """Type into the search for series, and wait for its list."""
        field = self.one("#series")
        field.click()
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text)
        part = text.casefold()
        self.wait(
            lambda: (
                all(
                    part in item.text.casefold() for item in self.all("#series-list li")
                )
                and self.all("#series-list li")
            ),
            text,
        )

    def drag(self, css, start, end):
        """Drag over an element, between two shares of its width."""
        element = self.one(css)
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        width = element.size["width"]
        chain = ActionChains(self.driver)
        chain.move_to_element_with_offset(element, int((start - 0.5) * width), 0)
        chain.click_and_hold().move_by_offset(int((end - start) * width), 5)
        chain.release().perform()

    def drop(self, css, name, text):
        """Drop a file on an element."""
        self.run(
            "const data = new DataTransfer();"
            "data.items.add(new File([arguments[2]], arguments[1]));"
            "arguments[0].dispatchEvent(new DragEvent('drop',"
            " {dataTransfer: data, bubbles: true, cancelable: true}))",
            self.one(css),
            name,
            text,
        )

    def numbers(self):
        """Return the table of the forecast: rows of cells."""
        script = (
            "return [...document.querySelectorAll('#numbers tbody tr')].map("
            "(row) => [...row.cells].map((cell) => cell.textContent))"
        )
        return self.run(script)

    def legend(self):
        return [button.text for button in self.all("#chart .legend button")]

    def download(self, css):
        """Click, and return the file that was downloaded."""
        before = set(self.downloads.iterdir())
        self.click(css)

        def arrived():
            files = set(self.downloads.iterdir()) - before
            return [f for f in files if f.suffix not in (".crdownload", ".tmp")]

        return self.wait(arrived, "download")[0]

    def errors(self):
        """Return the messages in the console, but those of a missing record."""
        lines = self.driver.get_log("browser")
        return [line["message"] for line in lines if line["level"] == "SEVERE"]

    def violations(self):
        """Return what axe finds at levels A and AA of WCAG 2.2."""
        source = gzip.decompress((FOLDER / "axe" / "axe.min.js.gz").read_bytes())
        self.run(source.decode())
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        result = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "const failed = (error) => done({error: String(error)});"
            "axe.run({runOnly: arguments[0]}).then(done, failed)",
            tags,
        )
        assert "error" not in result, result
        assert len(result["passes"]) > 10
        return [
            (found["id"], [node["html"][:200] for node in found["nodes"]])
            for found in result["violations"]
        ]


@contextmanager
def run_browser(folder, language):
    browser, driver = find_program("browser"), find_program("driver")
    if not (browser and driver):
        pytest.skip("needs Chromium: apt-get install chromium chromium-driver")
    options = Options()
    options.binary_location = browser
    for switch in (*SWITCHES, f"--lang={language}", f"--accept-lang={language}"):
        options.add_argument(switch)
    options.add_argument(f"--user-data-dir={folder / 'profile'}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    downloads = folder / "downloads"
    downloads.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SE_OFFLINE", "true")  # nothing is downloaded, whatever is missing
        chrome = webdriver.Chrome(options=options, service=Service(driver))
    try:
        chrome.set_script_timeout(SECONDS)
        window = Browser(chrome, downloads)
        window.command(
            "Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads)
        )
        yield window
    finally:
        chrome.quit()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A browser for a module."""
    with run_browser(tmp_path_factory.mktemp("browser"), "en-US") as window:
        yield window


@pytest.fixture(scope="module")
def german_browser(tmp_path_factory):
    """A browser of a German reader."""
    with run_browser(tmp_path_factory.mktemp("browser"), "de-DE") as window:
        yield window


def find_free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Running:
    """A running service."""

    def __init__(self, url, process):
        self.url, self.process = url, process

    def page(self, **query):
        return f"{self.url}/?" + "&".join(f"{k}={v}" for k, v in query.items())


@contextmanager
def run_service(uri, folder, **settings):
    """Run a service on a registry until the block ends."""
    port = find_free_port()
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": uri,
        "PYTHONPATH": str(PACKAGES),
        "SERVING_POLL_SECONDS": "0.3",
        **{f"SERVING_{key.upper()}": str(value) for key, value in settings.items()},
    }
    with (folder / "service.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "serving", "--port", str(port)],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        end = time.monotonic() + 180
        while not is_listening(port):
            assert process.poll() is None, (folder / "service.log").read_text()
            assert time.monotonic() < end
            time.sleep(0.1)
        yield Running(f"http://127.0.0.1:{port}", process)
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(timeout=60)


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def serve():
    """Runs a service: ``with serve(uri, folder, **settings) as service``."""
    return run_service


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder with a registry: shops, in two versions, and branches."""
    folder = tmp_path_factory.mktemp("trained")
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        "PYTHONPATH": str(PACKAGES),
    }
    done = subprocess.run(
        [sys.executable, FOLDER / "train_models.py"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def service(trained, tmp_path_factory):
    """A service on the trained models, for the tests of a module."""
    folder = tmp_path_factory.mktemp("service")
    with run_service(f"sqlite:///{trained}/mlflow.db", folder) as running:
        yield running


@pytest.fixture(scope="session")
def wide():
    return WIDE


@pytest.fixture(scope="session")
def phone():
    return PHONE
