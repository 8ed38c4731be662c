# /// script
# requires-python = ">=3.11"
# dependencies = ["copier>=9.18"]
# ///
"""Start a project: refuse bad answers in one line, copy the template, set the project up.

Asks, or takes what is given: uv run hooks/new.py ../churn --defaults -d project_name=Churn
With a table of yours instead of the sample: uv run hooks/new.py ../churn --data churn.csv --target left
"""

import argparse
import contextlib
import difflib
import io
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

import copier
import yaml
from copier.errors import CopierError

ROOT = Path(__file__).resolve().parents[1]
ADOPTED = ("target", "id", "time", "sensitive", "problem")


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def arguments() -> argparse.Namespace:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dest", type=Path, help="folder of the new project; must not exist or be empty")
    parser.add_argument("-d", dest="answers", action="append", default=[], metavar="KEY=VALUE", help="an answer")
    parser.add_argument("--data-file", type=Path, help="YAML file of answers")
    parser.add_argument("--defaults", action="store_true", help="don't ask; take the defaults")
    parser.add_argument("--vcs-ref", help="tag, branch or commit of the template (default: the newest release)")
    parser.add_argument("--no-setup", action="store_true", help="only copy")
    parser.add_argument(
        "--data", action="append", default=[], metavar="TABLE", help="your table, to adopt in place of the sample"
    )
    for option in ADOPTED:
        parser.add_argument(f"--{option}", action="append", default=[], help="as of `factory adopt`")
    args = parser.parse_args()
    args.answers += [word for word in args.data if is_answer(word)]  # Copier's --data takes these
    args.data = [Path(word).absolute() for word in args.data if not is_answer(word)]
    for table in args.data:
        if not table.exists():
            raise ValueError(f"{table}: no such file or folder")
    if len(args.data) > 1 or len(args.data) != len(args.target) or (args.data and args.no_setup):
        raise ValueError("--data takes one table or folder, and goes with one --target, without --no-setup")
    return args


def is_answer(word: str) -> bool:
    return "=" in word and word.partition("=")[0].isidentifier()


def adoption(args: argparse.Namespace) -> list[str]:
    """The arguments of `factory adopt`."""
    options = [word for option in ADOPTED for value in getattr(args, option) for word in (f"--{option}", value)]
    return ["adopt", str(args.data[0]), *options, *(["--yes"] if args.defaults else [])]


def answers(pairs: list[str], data_file: Path | None) -> dict[str, object]:
    values = yaml.safe_load(data_file.read_text("utf-8")) if data_file else {}
    if not isinstance(values, dict):
        raise ValueError(f"{data_file}: must hold lines of the form `question: answer`")
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"-d {pair}: must have the form question=answer")
        values[key] = value
    config = yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))
    questions = [name for name, question in config.items() if name[0] != "_" and question.get("when", True)]
    for name in map(str, values):
        if name not in questions:
            hint = "".join(f"did you mean {close}? " for close in difflib.get_close_matches(name, questions, n=1))
            raise ValueError(f"no question is called {name!r}; {hint}there are {', '.join(questions)}")
    return values


def copy(dest: Path, data: dict[str, object], ref: str | None, defaults: bool) -> None:
    """Render beside `dest` and move into place, so that whatever goes wrong leaves nothing behind."""
    if dest.exists() and not (dest.is_dir() and not any(dest.iterdir())):
        raise ValueError(f"{dest}: exists and is not an empty folder")
    with tempfile.TemporaryDirectory(prefix=f".{dest.name}-", dir=dest.parent.resolve(strict=True)) as workplace:
        with contextlib.redirect_stderr(io.StringIO()):
            copier.run_copy(str(ROOT), Path(workplace, "new"), data, vcs_ref=ref, defaults=defaults, quiet=True)
        if dest.exists():
            dest.rmdir()
        Path(workplace, "new").rename(dest)


def factory(uv: str, project: Path, *arguments: str) -> bool:
    """Whether the project's own command succeeded."""
    env = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}  # this script's, not the project's
    return subprocess.run([uv, "run", "factory", *arguments], cwd=project, env=env).returncode == 0


def main() -> int | str:
    # A closed terminal is cleaned up after like Ctrl-C.
    for name in {"SIGHUP", "SIGTERM"} & set(dir(signal)):
        signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        args = arguments()
        dest = args.dest.absolute()  # its parent must exist: none is made that a failure would leave
        chosen = answers(args.answers, args.data_file)
        if args.data:
            chosen.setdefault("problem", "classification")  # of the sample; the target tells the table's
        copy(dest, chosen, args.vcs_ref, args.defaults)
        setup = f"cd {shlex.quote(str(dest))} && uv run factory setup"
        if args.no_setup:
            print(f"Your project is ready. Next: {setup}")
            return 0
        uv = shutil.which("uv")
        if not (uv and factory(uv, dest, "setup")):
            return f"new.py: copied, but not set up{'' if uv else ' (uv is missing)'}; to go on: {setup}"
        if args.data and not factory(uv, dest, *adoption(args)):
            return f"new.py: set up with the sample; to go on: cd {shlex.quote(str(dest))} && uv run factory {shlex.join(adoption(args))}"
        return 0
    except KeyboardInterrupt:
        return "new.py: stopped by you"
    except (CopierError, ValueError, OSError, yaml.YAMLError) as error:
        return f"new.py: {' '.join(str(error).split())}"


if __name__ == "__main__":
    sys.exit(main())
