"""What gathering a thousand projects takes, twenty of which are broken: `nox -s bench -- hub [PROJECTS]`."""

import resource
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from report import ROOT, report

sys.path.append(str(ROOT / "tests"))
import browser
from status_branches import STATUS, bare, fleet, push, server, status

DAYS = 30
HUB = ("uv", "run", "--quiet", str(ROOT / "hooks/hub.py"), "FLEET.csv", "out", "--osv=", "--index=")


def main(scratch: Path, projects: int = 1000) -> None:
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    now = datetime.now(UTC)
    good = [scratch / f"origins/project-{number}" for number in range(projects - 20)]
    print(f"making {len(good)} projects with {DAYS} statuses each", file=sys.stderr, flush=True)
    with ThreadPoolExecutor(2) as pool:
        [*pool.map(lambda place: make(place, now), good)]
        with server() as address:
            fleet(
                scratch / "FLEET.csv",
                [*good[: projects // 2], *broken(scratch / "origins", address, now), *good[projects // 2 :]],
            )
            bench("first", scratch, "<= 120 s")
            bench("again, nothing new", scratch, "<= 60 s")
            [*pool.map(lambda place: push(place, status(place.name, now), onto=f"{STATUS}^0"), good)]
            bench("again, a new status each", scratch, "<= 60 s")
            bench("as it stood ten days ago", scratch, "<= 60 s", "--at", f"{now - timedelta(days=10):%Y-%m-%d}")
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
    report("the hub's largest process", f"{memory:.0f} MB", "a status of 100 MB is among what it gathers")
    bench_page(scratch)
    size = sum(file.stat().st_size for file in (scratch / "out.git").rglob("*") if file.is_file())
    report("the hub's repository", f"{size / 1e6:.1f} MB", f"{size / projects / (DAYS + 1):.0f} bytes a status")


def bench(name: str, scratch: Path, limit: str, *options: str) -> None:
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([*HUB, *options], cwd=scratch, check=True, stdout=subprocess.PIPE, text=True)
    print(done.stdout.strip(), file=sys.stderr, flush=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    report(f"hub, {name}", f"{time.perf_counter() - start:.1f} s", f"{limit}; {cpu:.0f} s of a processor")


def bench_page(scratch: Path) -> None:
    """Its size, and what sorting takes where there is a browser."""
    page = (scratch / "out/index.html").read_text("utf-8")
    report("the hub's page", f"{len(page.encode()) / 1e6:.2f} MB", "<= 2 MB")
    if browser.path():
        slowest = max(browser.use(page, scratch)["milliseconds"].values())
        report("the hub's page, sorted by any column", f"{slowest / 1000:.2f} s", "<= 1 s")


def make(place: Path, now: datetime) -> None:
    ages = range(DAYS, 0, -1)
    push(bare(place), *(status(place.name, now - timedelta(days=age), template__behind=age // 10) for age in ages))


def broken(folder: Path, address: str, now: datetime) -> list[Path | str]:
    """Twenty origins of which something is wrong."""
    contents = {
        "stale": status(at=now - timedelta(days=8)),
        "future": status(at=now + timedelta(days=8)),
        "text": "none of your business",
        "format": status(format=2),
        "large": b" " * 100_000_000,
        "link": "/etc/passwd",
    }
    places = [
        push(bare(folder / name), content, mode="120000" if name == "link" else "100644") for name, content in contents.items()
    ]
    places += [push(bare(folder / "unborn"), status(), ref="refs/heads/main"), bare(folder / "empty")]
    places += [folder / f"nowhere-{number}" for number in range(4)]
    return [
        *places,
        *(f"{address}/hang/h{number}" for number in range(4)),
        *(f"{address}/{kind}/{kind}" for kind in ("login", "moved", "forbidden", "absent")),
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), *map(int, sys.argv[2:]))
