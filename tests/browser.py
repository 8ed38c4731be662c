"""A browser that uses the hub's page of all projects as people do, and what it measures."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

USE = """<script>addEventListener("load", () => {
  const [body] = document.getElementById("projects").tBodies, [form] = document.forms;
  const buttons = Object.fromEntries([...document.querySelectorAll("#projects thead button")].map((each) => [each.textContent, each]));
  const column = (place) => [...body.rows].filter((row) => !row.hidden).map((row) => row.cells[place].textContent);
  const time = (act) => { const start = performance.now(); act(); document.body.offsetHeight; return performance.now() - start; };
  const milliseconds = {};
  for (const name in buttons) milliseconds[name] = Math.min(...[1, 2].map(() => time(() => buttons[name].click())));
  const place = Object.keys(buttons).indexOf("Readiness");
  buttons.Readiness.click(); const down = column(place); buttons.Readiness.click(); const up = column(place);
  form.elements.q.value = "PROJECT-99 grace"; form.dispatchEvent(new Event("input"));
  document.body.dataset.result = JSON.stringify({ milliseconds, down, up, found: column(0), hash: location.hash });
});</script></head>"""

WIDE = """<iframe width={width} height=900 srcdoc="{page}"></iframe><script>addEventListener("load", () => {{
  const page = document.querySelector("iframe").contentDocument, all = [page.documentElement, ...page.querySelectorAll("body *")];
  const scrolls = (each) => each === page.documentElement || getComputedStyle(each).overflowX !== "visible";
  const wide = all.filter((each) => each.clientWidth && each.scrollWidth > each.clientWidth + 1 && scrolls(each));
  document.body.dataset.result = JSON.stringify(wide.map((each) => each.ariaLabel ?? each.tagName));
}});</script>"""  # in a frame, as the window of a browser without a screen is at least 500 wide


def path() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def use(page: str, scratch: Path) -> dict[str, Any]:
    """Sort by each column, then by readiness, and search: what is shown then, and how long each sort and its layout takes."""
    return _run(_may_run(page).replace("</head>", USE, 1), scratch)


def wide(page: str, scratch: Path, width: int) -> list[str]:
    """What has to be scrolled sideways where the page is that wide."""
    return _run(WIDE.format(width=width, page=html.escape(_may_run(page))), scratch)


def _may_run(page: str) -> str:
    return re.sub(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>", "", page)


def _run(page: str, scratch: Path) -> Any:
    file = scratch / "used.html"
    file.write_text(page, "utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={scratch / 'profile'}", "--dump-dom"]
    done = subprocess.run([path() or "chromium", *options, file.as_uri()], capture_output=True, text=True, timeout=300)
    return json.loads(html.unescape(re.search(r'data-result="([^"]*)"', done.stdout)[1]))
