"""An excerpt keeps what its names need, as it was written, and refuses what cannot be cut."""

import pytest
from late_flights.factory import errors
from late_flights.factory.formats.excerpt import Module

TEXT = '''"""About time."""

from __future__ import annotations

import math, os
from datetime import date as day

HOURS = 24
"""In a day."""
NAMES = ["a"]
NAMES += ["b"]

# of an hour
MINUTES = 60



LINES = """one



two"""


def half() -> float:
    return HOURS / 2


# with a decorator
@staticmethod
def unused():
    return os.sep


def root(of: "Special") -> float:
    # inside
    return math.sqrt(half())


class Special:
    """Of its kind."""

    first = MINUTES
    # the second
    second = LINES

    def size(self):
        return day.today()


if __name__ == "__main__":
    print(HOURS)
'''


def excerpt(*names, text=TEXT, without=()):
    module = Module(text, "clock.py")
    return module.excerpt(module.needed(names, without), without)


def test_names_come_with_what_they_need_and_nothing_else():
    text = excerpt("half")
    assert text == (
        '"""About time."""\n\nfrom __future__ import annotations\n\n'
        'HOURS = 24\n"""In a day."""\n\n\ndef half() -> float:\n    return HOURS / 2\n'
    )


def test_annotations_in_quotes_count():
    text = excerpt("root")
    assert "class Special" in text and "import math\n" in text and "# inside" in text
    assert "os" not in text and "unused" not in text and "NAMES" not in text and "with a decorator" not in text


def test_what_is_added_later_comes_along():
    assert 'NAMES = ["a"]\nNAMES += ["b"]\n' in excerpt("NAMES")


def test_texts_keep_their_blank_lines():
    assert 'LINES = """one\n\n\n\ntwo"""\n' in excerpt("LINES")


def test_members_of_classes_can_be_left_out():
    text = excerpt("Special", without={"second", "size"})
    assert text.endswith('class Special:\n    """Of its kind."""\n\n    first = MINUTES\n') and "LINES" not in text
    assert "# the second" not in text and "day" not in text and "# of an hour\nMINUTES = 60" in text


def test_excerpt_runs(tmp_path):
    space = {}
    exec(excerpt("root", "NAMES"), space)  # noqa: S102
    assert space["root"](None) == 12**0.5 and space["NAMES"] == ["a", "b"]


@pytest.mark.parametrize("line", ["TABLE['a'] = 1", "register(HOURS)", "for each in NAMES: each.clear()", "with a: b = 2"])
def test_what_runs_with_the_module_cannot_be_cut(line):
    with pytest.raises(errors.FactoryError, match=r"clock.py, line 2: what runs there"):
        excerpt("a", text=f"a = 1\n{line}\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [("a = 1; b = 2\n", "line 1: two statements are in one line"), ("from math import *\na = sqrt(4)\n", r"line 1: `import \*`")],
)
def test_what_would_lose_a_name_is_refused(text, reason):
    with pytest.raises(errors.FactoryError, match=reason):
        excerpt("a", text=text)


def test_unknown_name_is_refused():
    with pytest.raises(errors.FactoryError, match=r"clock.py: there is no quarter in it"):
        excerpt("quarter")


def test_public_names_are_functions_and_classes():
    assert Module("a = 1\ndef b(): ...\ndef _c(): ...\nclass D: ...\n", "x.py").public() == {"b", "D"}
