"""Take the picture of the report that README.md shows: `nox -s demo`, then `python tools/picture.py`. Needs Chromium."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIMIT = 300_000


def main(report: str = "demo/reports/report.html") -> str | None:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not browser:
        return "no Chromium on this machine"
    picture = ROOT / "docs/report.png"
    with tempfile.TemporaryDirectory() as profile:
        options = ["--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1280,1500", f"--user-data-dir={profile}"]
        light = "--blink-settings=preferredColorScheme=1"
        page = Path(ROOT, report).resolve().as_uri()
        subprocess.run([browser, *options, light, f"--screenshot={picture}", page], check=True, capture_output=True)
    size = picture.stat().st_size
    print(f"{picture.relative_to(ROOT)}: {size:,} bytes")
    return f"more than {LIMIT:,} bytes: README.md should load fast" if size > LIMIT else None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
