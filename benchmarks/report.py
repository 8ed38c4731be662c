"""How the benchmarks print, and write into documents."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def report(what: str, figure: str, limit: str = "") -> None:
    """One line of the result."""
    print(f"{what:<58} {figure:>18}   {limit}", flush=True)


def block(name: str) -> re.Pattern[str]:
    """The part of a document that a session writes."""
    return re.compile(rf"(<!-- {name}: .*? -->\n).*?(<!-- end of {name} -->)", re.DOTALL)


def write(document: Path, name: str, lines: list[str]) -> None:
    """Replace what the block holds."""
    text = "\n".join(lines).replace("\\", r"\\")
    document.write_text(block(name).sub(rf"\g<1>{text}\n\g<2>", document.read_text("utf-8")), "utf-8")
