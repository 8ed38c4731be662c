"""Text of others appears as that text: rendered as platforms do, then searched for what they make of text."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from late_flights.factory.evaluation import markdown

from machinery.evaluation import rendered
from machinery.evaluation.rendered import TABLE, inert

ATTACKS = [
    "[x](https://e) <img src=y> @all",
    "![x](https://e)",
    "#12",
    "!5 &3 %1 ~bug $2 ^alert#1",
    "`",
    "`` ` ``",
    "a`b` [x](https://e) `",
    "a|b \\| [x](https://e) |",
    "x\n# heading\n\n- [ ] list\n\n/merge",
    "/close",
    "<!-- x",
    "<script>alert(1)</script>",
    "www.example.com t.co https://e.org someone@example.com mailto:x@y.zz",
    "Fixes GH-12, 0123456789abcdef, :tada:",
    "***\n---\n===",
    "1. x",
    "> quoted",
    "\u202e reversed \x1b[31m",
    "    indented",
    "$`a+b`$",
    "&lt;b&gt; &#64;all",
    "*a* _b_ **c** ~~d~~",
    "@" + "'" * 50_000,  # spans are not looked for in it, which would take minutes
]


def plain(value: str) -> str:
    """The text that a reader should see; a code span in it has lost its marks."""
    return "".join(markdown._one_line(value).split()).replace("`", "")


@pytest.mark.parametrize("attack", ATTACKS)
def test_attack_appears_as_text(attack):
    assert inert(markdown.text(attack)).replace(" ", "").replace("`", "") == plain(attack)
    assert inert(f"we say: {markdown.text(attack)}.\n{markdown.text(attack)}")
    assert inert(markdown.table([[attack, attack], ["x", "y"]], [attack, "z"]), *TABLE)


SIGNS = st.text(st.sampled_from(f"{string.punctuation} \n\tab1é@`[]()<>|\\"), max_size=40)


@given(SIGNS)
def test_whatever_it_is_made_of(value):
    assert inert(markdown.text(value)).replace(" ", "").replace("`", "") == plain(value)
    assert inert(markdown.code(value)).replace(" ", "").replace("`", "") == plain(value)


@given(st.lists(SIGNS, min_size=3, max_size=3))
def test_table_keeps_its_columns(cells):
    page = markdown.table([cells], ["a", "b", "c"])
    inert(page, *TABLE)
    assert [re.sub("[ `]", "", cell) for cell in rendered.cells(page)[3:]] == [plain(cell) for cell in cells]


@pytest.mark.parametrize(
    "words",
    [
        "95% interval -0.85 to 0.86; company=AA (n 1,234)",
        "scheduled_departure: not a date, 3 of 5 rows, e.g. 'x'",
        "lower bound > 0, at 12:30",
    ],
)
def test_ordinary_words_stay_as_they_are(words):
    assert markdown.text(words) == words


def test_commands_and_files_are_code():
    message = "data/raw/a.parquet was changed: run `uv run dvc checkout`, or see docs/data.md."
    assert markdown.text(message) == "`data/raw/a.parquet` was changed: run `uv run dvc checkout`, or see `docs/data.md`."
