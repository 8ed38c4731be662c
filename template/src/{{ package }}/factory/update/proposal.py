"""An update as a pull request: its branch, what it says, and its commits."""

from ..evaluation import markdown
from ..workspace import git, pull_request
from . import vendored
from .update import Update

BRANCH = "factory/template-update"
TITLE = "Update the template to {release}"
APART = (
    "The first commit has only files that are exactly the release's, as `factory check` confirms: review the second."
)


def title(update: Update) -> str:
    """The pull request's title, by which the release that it brings is known."""
    return TITLE.format(release=update.after)


def text(update: Update, by: str) -> str:
    """What a person has to do, and what became of which file; `by` is Markdown that says where it comes from."""
    to_do = "".join(f"- [ ] {markdown.text(line)}\n" for line in update.pending)
    became = "".join(f"- {markdown.text(line)}\n" for line in update.lines(with_pending=False))
    return f"{to_do}\n{became}\n{APART}\n\n{by}\n".lstrip("\n")


def commit(update: Update) -> str:
    """Commit the update to its branch, files of the release apart from the others; the last commit. Raises FactoryError."""
    apart = (f"Files of the template's release {update.after}", vendored.as_released)
    pull_request.commit(BRANCH, title(update), apart)
    return str(git.commit())
