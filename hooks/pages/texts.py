"""Texts that projects wrote, as pages can show them."""

import re
import unicodedata
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

from origins import BLANK
from pydantic import BaseModel

MARKS = 4  # above and below a letter; more would cover other lines


def shown(value: Any) -> Any:
    """The value with its texts in one line each, and a mark for each character that cannot be seen, such as one that reverses text."""
    if isinstance(value, BaseModel):
        return shown(value.model_dump())
    if isinstance(value, dict):
        return {shown(key): shown(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [shown(each) for each in value]
    return line(value) if isinstance(value, str) else value


def line(text: str) -> str:
    if text.isascii() and text.isprintable() and "  " not in text:  # as most are
        return text.strip()
    one = re.sub(r"\s+", " ", text).strip()
    seen = "".join(letter if letter.isprintable() and letter not in BLANK else "\N{REPLACEMENT CHARACTER}" for letter in one)
    runs = groupby(seen, key=lambda letter: unicodedata.category(letter) in ("Mn", "Me"))
    return "".join("".join(letters)[: MARKS if is_mark else None] for is_mark, letters in runs)


def link(address: str) -> str:
    """The address, where a browser may follow it: a website without a login in it; otherwise nothing."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return address if parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc else ""
