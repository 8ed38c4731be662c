"""Text of others in Markdown: names of columns and files, messages and reasons, shown as that text on every platform.

Escaping characters is not enough: platforms search the rendered text for mentions, references, addresses and commands.
They leave code alone, so whatever means something to one of them becomes a code span.
"""

import re
from collections.abc import Iterable, Sequence

from tabulate import tabulate

MEANINGFUL = r"""(?:
    [][\\`*~|@#$^{}]                    # markup, mentions, references and mathematics
  | [<&!](?=\S) | (?<=\S)> | >(?=\S)    # HTML, GitLab's epics and merge requests
  | (?<!\w)_ | _(?!\w)                  # emphasis
  | :(?=[^\s\d"')]) | \.(?=[^\W\d_]{2}) # addresses, emoji
  | %(?=[\w"'])                         # GitLab's milestones
  | (?<!\w)[0-9a-f]{7,40}(?!\w)         # commits
  | (?<!\w)[A-Z]{2,}-(?=\d)             # issues: GH-12
)"""
SPAN = re.compile(
    rf"""(?<!\S)(?P<open>[("']+)?           # from the beginning of a word
    (?: `(?P<code>[^`]+)`
      | (?P<words>(?![("'])\S*{MEANINGFUL}\S*?(?:[ ]\S*{MEANINGFUL}\S*?)*) )
    (?=(?(open)[,.;:'")]|[,.;:])*(?:\s|$))  # as far as its last letter""",
    re.VERBOSE,
)
LONGEST = 1000  # characters in which spans are looked for, which takes the square of their number
BLOCK = re.compile(r"^(\d*)(?=[-+.)>]\s|[-+=.)>]+$|/)")
"""Where the beginning of a line would be a list, a rule, a quotation, or a command to GitLab."""


def text(value: object) -> str:
    """The value in one line, wherever it stands in the page but for a table. Code spans in it remain."""
    return BLOCK.sub(r"\1\\", _inline(value))


def code(value: object) -> str:
    """The value as one code span."""
    content = _one_line(value)
    fence = "`" * (1 + max(map(len, re.findall("`+", content)), default=0))
    space = " " if "`" in content else ""
    return f"{fence}{space}{content}{space}{fence}" if content else ""


def table(rows: Iterable[Sequence[object]], headers: Sequence[object]) -> str:
    """A table of such texts."""
    cells = [[_cell(value) for value in row] for row in rows]
    return tabulate(cells, [_cell(name) for name in headers], tablefmt="github", disable_numparse=True)


def _cell(value: object) -> str:
    return _inline(value).replace("\\|", "\\ |").replace("|", "\\|")


def _inline(value: object) -> str:
    line = _one_line(value)
    if len(line) > LONGEST and re.search(MEANINGFUL, line, re.VERBOSE):
        return code(line)
    return SPAN.sub(lambda match: f"{match['open'] or ''}{code(match['code'] or match['words'])}", line)


def _one_line(value: object) -> str:
    """Without line breaks, and with a mark for each character that cannot be seen, such as one that reverses text."""
    letters = (
        letter if letter.isprintable() or letter.isspace() else "\N{REPLACEMENT CHARACTER}" for letter in f"{value}"
    )
    line = "".join(letters)
    return re.sub(r"[^\S\N{NO-BREAK SPACE}]+", " ", line).strip()
