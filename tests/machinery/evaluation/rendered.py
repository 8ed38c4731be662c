"""Markdown as platforms render it, and what they then look for in its text."""

import re

from markdown_it import MarkdownIt

TABLE = ("table", "thead", "tbody", "tr", "th", "td")
PARSER = MarkdownIt("gfm-like", {"linkify": False})
REFERENCES = re.compile(
    r"""@\w | \#\w | !\d | &\w | %[\w"] | ~\w | \$[\w`] | :\w+: | :// | www\. | \w\.[a-z]{2} | \b[0-9a-f]{7,40}\b | GH-\d""",
    re.VERBOSE,
)
"""What GitHub, GitLab and Azure look for in text that is not code."""


def inert(page: str, *tags: str) -> str:
    """The text of a page, which has nothing but text, code, paragraphs and these tags."""
    tokens = PARSER.parse(page)
    leaves = [leaf for token in tokens for leaf in token.children or ()]
    assert {token.tag for token in (*tokens, *leaves)} <= {"", "p", "code", "br", *tags}, page
    assert {leaf.type for leaf in leaves if not leaf.tag} <= {"text"}, page
    assert not REFERENCES.search("\0".join(leaf.content for leaf in leaves if leaf.type == "text")), page
    return "".join(leaf.content for leaf in leaves)


def cells(page: str) -> list[str]:
    """The text of each cell of a table."""
    return ["".join(leaf.content for leaf in token.children) for token in PARSER.parse(page) if token.type == "inline"]
