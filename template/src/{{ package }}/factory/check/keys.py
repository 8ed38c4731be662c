"""Keys of the factory's own that must not be in Git: callers' keys, as `factory key` makes them, private keys and tokens.

Run as a program with files: detect-secrets finds a random text in quotes only, and passes over lines that call something.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from math import log2
from pathlib import Path

KEY = re.compile(r"(?:(?<![\w+/-])|(?<=\\[nrt]))(?<!sha256[:=-])(?<!SHA256[:=-])[\w-]{43}(?![\w+/=-])", re.ASCII)
OTHERS = {
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY": "a private key",
    r"\b(gh[pousr]_\w{36}|github_pat_\w{36}|glpat-[\w-]{20})": "an access token",
    r"\b\w{76}AZDO\w{4}\b": "an access token of Azure DevOps",
}
ALLOWED = re.compile(r"pragma: ?(allow|white)list[ -]secret")
MIN_ENTROPY = 4.1  # bits a character: 43 random ones have less once in 300,000 times
MAX_WORDS = 19  # letters in runs of four and more of one case: random ones have more once in 800 times, and most names, which are words, do


def main(files: list[str]) -> int:
    """Print where there is a key, without the key; the exit code."""
    found = [f"{file}:{line}: {what}" for file in files for line, what in _found(Path(file))]
    print("\n".join(found) or f"{len(files)} files")
    if found:
        print(
            "For what is none, add the comment `pragma: allowlist secret` to its line, or leave the file out by --exclude"
        )
    return bool(found)


def _found(file: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(file.read_text("utf-8", errors="replace").splitlines(), 1):
        if what := not ALLOWED.search(line) and _what(line):
            yield number, what


def _what(line: str) -> str | None:
    if any(map(_is_random, KEY.findall(line))):
        return "a key of the service, as `factory key` makes them"
    return next((what for pattern, what in OTHERS.items() if re.search(pattern, line)), None)


def _is_random(text: str) -> bool:
    classes = all(re.search(each, text) for each in ("[A-Z]", "[a-z]", "[0-9]"))
    words = max(sum(map(len, re.findall(letters, text))) for letters in ("[a-z]{4,}", "[A-Z]{4,}"))
    shares = [count / len(text) for count in Counter(text).values()]
    return classes and words < MAX_WORDS and -sum(share * log2(share) for share in shares) > MIN_ENTROPY


if __name__ == "__main__":
    sys.exit(main(sys.argv[sys.argv.index("--") + 1 :]))
