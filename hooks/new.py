# /// script
# requires-python = ">=3.11"
# dependencies = ["copier>=9.19"]
# ///
"""Start a project: check the answers, copy the template, set the project up.

With the sample data:   uv run hooks/new.py ../flights -d project_name=Flights
With your own table:    uv run hooks/new.py ../churn -d project_name=Churn --data churn.csv --target churned
Without any question:   uv run hooks/new.py ../flights -d project_name=Flights --defaults
With another licence:   uv run hooks/new.py ../flights -d project_name=Flights -d license=MIT
"""

import argparse
import contextlib
import difflib
import io
import os
import posixpath
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

import copier
import jinja2
import yaml
from copier.errors import CopierError, InteractiveSessionError

ROOT = Path(__file__).resolve().parents[1]
CONFIG = yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))
QUESTIONS = {name: question for name, question in CONFIG.items() if name[0] != "_" and question.get("when", True)}
FILTERS = "jinja2_ansible_filters.AnsibleCoreFiltersExtension"  # as Copier has them
PROBLEMS = (*QUESTIONS["problem"]["choices"].values(), "multiclass")  # of which there is no sample
ADOPTED = {
    "target": "column to predict",
    "id": "identifier of a row, or of the entity that several rows belong to",
    "time": "timestamp; the newest rows become the test set",
    "sensitive": "column whose groups the gate compares; repeatable",
    "role": "role of a column, as at the prompt: feature, excluded, id, time, sensitive, measured, group or known-ahead; repeatable",
    "problem": "classification, multiclass, regression or forecasting (default: inferred from the table)",
    "group": "of a forecast, column that names a series, alone or with others; repeatable",
    "horizon": "of a forecast, how many steps ahead",
    "season": "of a forecast, after how many steps series repeat; 1: never",
    "sheet": "sheet of a workbook (default: the only one with rows)",
}
"""The options of `factory adopt`."""
METAVARS = {"problem": "TYPE", "role": "COLUMN=ROLE", "sheet": "NAME", "horizon": "STEPS", "season": "STEPS"}


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}; see --help")


def arguments() -> argparse.Namespace:
    parser = Parser(description=__doc__, epilog=questions(), formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dest", type=Path, metavar="DEST", help="folder of the new project; must not exist, or be empty")
    parser.add_argument("-d", dest="answers", action="append", default=[], metavar="NAME=VALUE", help="an answer, see below")
    parser.add_argument("--data-file", type=Path, metavar="FILE", help="YAML file of answers, a line NAME: VALUE for each")
    parser.add_argument("--defaults", action="store_true", help="don't ask: take the defaults, and accept what --data proposes")
    parser.add_argument("--vcs-ref", metavar="REF", help="tag, branch or commit of the template (default: the newest release)")
    parser.add_argument("--no-setup", action="store_true", help="only copy; `uv run factory setup` does the rest later")
    own = parser.add_argument_group("your own data, in place of the sample")
    own.add_argument(
        "--data", action="append", default=[], metavar="TABLE", help="a file, or a folder of files with the same columns"
    )
    for option, text in ADOPTED.items():
        metavar = METAVARS.get(option, "COLUMN")
        choices = PROBLEMS if option == "problem" else None
        own.add_argument(f"--{option}", action="append", default=[], help=text, metavar=metavar, choices=choices)
    args = parser.parse_args()
    args.answers += [word for word in args.data if is_answer(word)]  # Copier's --data takes these
    args.data = [Path(word).absolute() for word in args.data if not is_answer(word)]
    for table in args.data:
        if not table.exists():
            raise ValueError(f"{table}: no such file or folder")
    if len(args.data) > 1 or len(args.data) != len(args.target) or (args.data and args.no_setup):
        raise ValueError("--data takes one table or folder, and goes with one --target, without --no-setup")
    for option in () if args.data else ADOPTED:
        if getattr(args, option):
            raise ValueError(f"--{option} describes your own table: it goes with --data and --target")
    return args


def questions() -> str:
    """The questions of copier.yml, for --help."""
    lines = ["answers, each as -d NAME=VALUE:"]
    jinja = jinja2.Environment(loader=jinja2.FileSystemLoader(ROOT), extensions=[FILTERS])
    jinja.globals["pathjoin"] = posixpath.join
    settings = {"overwrite": False, "dst_path": os.devnull, "answers_file": ""}
    known = {"project_name": "<project_name>", "slug": "<project_name>", "_copier_conf": settings}
    for name, question in QUESTIONS.items():
        default = jinja.from_string(question["default"]).render(known) if "default" in question else None
        known.setdefault(name, default)
        lines.append(f"  {name:14}{question['help']} " + (f"(default: {default})" if default else "(required)"))
        lines += [f"{'':16}{value:15}{label}" for label, value in question.get("choices", {}).items()]
    return "\n".join(lines)


def is_answer(word: str) -> bool:
    return "=" in word and word.partition("=")[0].isidentifier()


def adoption(args: argparse.Namespace) -> list[str]:
    """The arguments of `factory adopt`."""
    options = [word for option in ADOPTED for value in getattr(args, option) for word in (f"--{option}", value)]
    return ["adopt", str(args.data[0]), *options, *(["--yes"] if args.defaults else [])]


def answers(pairs: list[str], data_file: Path | None) -> dict[str, object]:
    values = yaml.safe_load(data_file.read_text("utf-8")) if data_file else {}
    if not isinstance(values, dict):
        raise ValueError(f"{data_file}: must hold lines of the form NAME: VALUE")
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"-d {pair}: must have the form NAME=VALUE")
        values[key] = value
    for name in map(str, values):
        if name not in QUESTIONS:
            hint = "".join(f"did you mean {close}? " for close in difflib.get_close_matches(name, QUESTIONS, n=1))
            raise ValueError(f"there is no question {name!r}; {hint}the questions are {', '.join(QUESTIONS)}")
    return values


def choose_problem(chosen: dict[str, object], args: argparse.Namespace) -> None:
    """Distinguish the problem of the sample, which the template asks for, from that of the user's table."""
    problem = chosen.get("problem")
    if args.data:
        args.problem = args.problem or [str(problem)] * (problem is not None)
        if problem in (None, "multiclass"):
            chosen["problem"] = "classification"  # of the sample, which the table replaces
    elif problem == "multiclass":
        raise ValueError("problem=multiclass needs your own table, --data TABLE --target COLUMN: there is no such sample")


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
    # a closed terminal cleans up like Ctrl-C
    for name in {"SIGHUP", "SIGTERM"} & set(dir(signal)):
        if signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN:  # as by nohup
            signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        args = arguments()
        dest = args.dest.absolute()  # its parent must exist: none is made that a failure would leave
        chosen = answers(args.answers, args.data_file)
        choose_problem(chosen, args)
        copy(dest, chosen, args.vcs_ref, args.defaults)
        setup = f"cd {shlex.quote(str(dest))} && uv run factory setup"
        if args.no_setup:
            print(f"Your project is ready. Next: {setup}")
            return 0
        uv = shutil.which("uv")
        if not (uv and factory(uv, dest, "setup")):
            return f"new.py: copied, but not set up{'' if uv else ' (uv is missing)'}; to go on: {setup}"
        if args.data:
            print(f"\nNow {args.data[0].name} replaces the sample:\n", flush=True)
        if args.data and not factory(uv, dest, *adoption(args)):
            return f"new.py: set up with the sample; to go on: cd {shlex.quote(str(dest))} && uv run factory {shlex.join(adoption(args))}"
        return 0
    except KeyboardInterrupt:
        return "new.py: interrupted"
    except InteractiveSessionError:
        return "new.py: there is no terminal to ask in: add --defaults, or answer every question with -d NAME=VALUE"
    except OSError as error:
        return f"new.py: {f'{error.filename}: ' if error.filename else ''}{error.strerror or error}"
    except (CopierError, ValueError, yaml.YAMLError) as error:
        return f"new.py: {' '.join(str(error).split())}"


if __name__ == "__main__":
    sys.exit(main())
