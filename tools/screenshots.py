"""Take the pictures that documents show, of pages as they are now. `nox -s screenshots` runs this; it needs Chromium and npm.

The report is of the project in ./demo, which is made if it is not there; the hub is of made-up projects.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests")]

import diagrams
import status_branches

DOCS = ROOT / "docs"
LIMIT = 300_000
OFFLINE = "--osv=", "--index="  # a picture does not change by what others publish on packages
TEAMS = {"growth": ("churn", "uplift", "offers"), "logistics": ("arrivals", "routes", "stock"), "finance": ("fraud", "credit")}
DEPLOYED = {"environment": "prod", "version": "v3", "image": "ghcr.io/team/uplift:v3", "digest": f"sha256:{'d' * 64}"}
DEPLOYED |= {"at": "2026-11-01T09:00:00+00:00", "by": "Ada"}
STORIES = (  # how projects differ from the one that is made up there
    {"template__behind": 0, "template__release": "0.4.0"},
    {
        "deployments": [DEPLOYED | {"environment": "staging"}, DEPLOYED],
        "monitor__drift": "open",
        "monitor__alerts": [{"code": "MISSING_VALUES", "column": "distance", "since": "2026-11-20"}],
    },
    {"template__behind": 3, "template__release": "0.1.0", "readiness__expired": ["Somebody is on duty"]},
    {"gate__passed": False, "gate__codes": ["CHAMPION"], "card__risk": "high"},
)


def main() -> str | None:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not browser or not shutil.which("npm"):
        return "Chromium and npm are needed: Debian has both, in packages of these names"
    try:
        diagrams.draw(browser)
    except ValueError as error:
        return str(error)
    with tempfile.TemporaryDirectory() as folder:
        pictures = {**project(), **hub(Path(folder))}
        sizes = {picture.name: take(browser, page, picture) for picture, page in pictures.items()}
    large = [f"{name} has {size:,}" for name, size in sizes.items() if size > LIMIT]
    return f"more than {LIMIT:,} bytes load slowly: {', '.join(large)}" if large else None


def project() -> dict[Path, Path]:
    """By picture, the report of a trained project."""
    report = ROOT / "demo/reports/report.html"
    if not report.exists():
        subprocess.run([sys.executable, str(ROOT / "tools/demo.py")], check=True)
    return {DOCS / "report.png": report}


def hub(folder: Path) -> dict[Path, Path]:
    """By picture, the pages on eight projects."""
    lines = ["url,team,criticality", *(f"{origin},{team},{criticality}" for origin, team, criticality in origins(folder))]
    (folder / "FLEET.csv").write_text("\n".join(lines) + "\n", "utf-8")
    command = ["uv", "run", "--quiet", "--script", str(ROOT / "hooks/hub.py"), "FLEET.csv", "hub", *OFFLINE]
    subprocess.run(command, cwd=folder, check=True)
    [one] = (folder / "hub/projects").glob("uplift-*.html")
    one.write_text(one.read_text("utf-8").replace(f"{folder}/origins", "https://git.example.com"), "utf-8")
    return {DOCS / "images/hub.png": folder / "hub/index.html", DOCS / "images/hub-project.png": one}


def origins(folder: Path) -> Iterator[tuple[Path, str, str]]:
    """Origins with thirty days of statuses, each with its team and how critical it is."""
    now = datetime.now(UTC)
    names = [(team, name) for team, members in TEAMS.items() for name in members]
    for number, (team, name) in enumerate(names):
        origin = status_branches.bare(folder / "origins" / name)
        days = [now - timedelta(days=day, hours=number) for day in range(30, -1, -3)]
        story = STORIES[number % len(STORIES)]
        values = [round(0.8 + 0.01 * number + 0.002 * ((number * day.day) % 7), 3) for day in days]
        statuses = (
            status_branches.status(name, day, champion__metric__value=value, **story)
            for day, value in zip(days, values, strict=True)
        )
        yield status_branches.push(origin, *statuses).relative_to(folder), team, ("low", "medium", "high", "critical")[number % 4]


def take(browser: str, page: Path, picture: Path) -> int:
    """Take the head of the page, by day; returns the number of bytes."""
    picture.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        options = ["--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1280,1500", f"--user-data-dir={profile}"]
        light = "--blink-settings=preferredColorScheme=1"
        subprocess.run(
            [browser, *options, light, f"--screenshot={picture}", page.resolve().as_uri()], check=True, capture_output=True
        )
    print(f"{picture.relative_to(ROOT)}: {picture.stat().st_size:,} bytes", flush=True)
    return picture.stat().st_size


if __name__ == "__main__":
    sys.exit(main())
