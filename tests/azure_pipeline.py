"""A small interpreter of Azure Pipelines: jobs one after another on this machine, from a Git remote, as an agent would run them.

Azure Pipelines cannot run outside of Azure. This knows what the template's pipelines use, and refuses the rest. As on an agent,
$(names) are put into a script before the shell sees it, variables are in its environment, and secrets are not.
"""

import fnmatch
import graphlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from conftest import git

PIPELINE = {"trigger", "pr", "schedules", "variables", "pool", "lockBehavior", "jobs"}
JOB = {"job", "deployment", "environment", "dependsOn", "condition", "timeoutInMinutes", "variables", "strategy", "steps"}
STEP = {"script", "checkout", "publish", "task"}
WITH = {
    "script": {"displayName", "name", "env", "condition"},
    "checkout": {"clean", "fetchDepth", "fetchTags", "persistCredentials"},
    "publish": {"artifact", "displayName", "condition"},
    "task": {"inputs"},
}
TOKEN = re.compile(r"\s*('(?:[^']|'')*'|[A-Za-z_][\w-]*|[(),.\[\]])")


class Unknown(Exception):
    """What this interpreter does not know."""


def allow(where: str, content: dict, names: set[str]) -> dict:
    if content.keys() - names:
        raise Unknown(f"{where}: {sorted(content.keys() - names)}")
    return content


def load(file: Path) -> dict:
    """All scalars are strings, as they are to Azure."""
    text = file.read_text("utf-8")
    if "${{" in text:
        raise Unknown(f"{file.name}: an expression of compile time")
    return yaml.load(text, yaml.BaseLoader)


def starts(pipeline: Path, ref: str) -> bool:
    """Does a push to the ref, or of it, start the pipeline, if it has changed one of its paths?"""
    trigger = load(pipeline).get("trigger", "none")
    if trigger == "none":
        return False
    kind, name = ("tags", ref.removeprefix("refs/tags/")) if ref.startswith("refs/tags/") else ("branches", ref[11:])
    rules = allow(kind, allow("trigger", trigger, {"batch", "branches", "paths", "tags"}).get(kind, {}), {"include", "exclude"})
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in rules.get("include", [])) and not any(
        fnmatch.fnmatchcase(name, pattern) for pattern in rules.get("exclude", [])
    )


class Expression:
    """A condition, or what stands in $[ ]: functions, strings and references such as dependencies.a.outputs['b.c']."""

    def __init__(self, text: str, names: dict[str, Any], failed: bool) -> None:
        self.tokens = TOKEN.findall(text)
        if "".join(self.tokens) != re.sub(r"\s+(?=(?:[^']*'[^']*')*[^']*$)", "", text):
            raise Unknown(f"expression {text}")
        self.names, self.failed = names, failed

    def value(self) -> Any:
        value = self.read()
        if self.tokens:
            raise Unknown(f"after an expression: {self.tokens}")
        return value

    def read(self) -> Any:
        token = self.tokens.pop(0)
        if token[0] == "'":
            return token[1:-1].replace("''", "'")
        if self.tokens[:1] == ["("]:
            return self.call(token)
        value: Any = self.names.get(token)
        while self.tokens and self.tokens[0] in (".", "["):
            bracket = self.tokens.pop(0) == "["
            key = self.tokens.pop(0)
            value = (value or {}).get(key[1:-1] if bracket else key)
            if bracket:
                self.tokens.pop(0)
        return "" if value is None else value

    def call(self, name: str) -> bool:
        self.tokens.pop(0)
        arguments = []
        while self.tokens[0] != ")":
            arguments.append(self.read())
            if self.tokens[0] == ",":
                self.tokens.pop(0)
        self.tokens.pop(0)
        match name, arguments:
            case (("always" | "succeededOrFailed"), []):
                return True
            case "succeeded", []:
                return not self.failed
            case "failed", []:
                return self.failed
            case "and", _:
                return all(arguments)
            case "eq", [left, right]:
                return str(left).lower() == str(right).lower()
            case "in", [left, *others]:
                return str(left).lower() in {str(each).lower() for each in others}
        raise Unknown(f"function {name} of {len(arguments)}")


@dataclass
class Run:
    """What came of each job, what each step printed, and the artefacts."""

    folder: Path
    results: dict[str, str] = field(default_factory=dict)
    steps: list[tuple[str, str, int | None, str]] = field(default_factory=list)  # job, step, exit code, output
    outputs: dict[str, dict] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return not set(self.results.values()) & {"Failed"}

    @property
    def log(self) -> str:
        return "".join(f"== {job}: {step}\n{output}" for job, step, _, output in self.steps)

    def output(self, step: str) -> str:
        """What the last step with these words in its command printed."""
        return [output for _, command, _, output in self.steps if step in command][-1]


class Machine:
    """One job on an agent of its own."""

    def __init__(self, run: Run, name: str, variables: dict[str, str], secrets: dict[str, str], remote: Path, ref: str) -> None:
        self.run, self.name, self.variables, self.secrets, self.remote, self.ref = run, name, variables, secrets, remote, ref
        self.variables = {name: self.expanded(value) for name, value in variables.items()}
        self.place = run.folder / "work" / re.sub(r"\W", "-", name) / "s"
        self.place.mkdir(parents=True)
        self.variables["System.DefaultWorkingDirectory"] = str(self.place)
        self.failed, self.prefix = False, ""

    def step(self, step: dict, end: float) -> None:
        [kind] = STEP & step.keys() or {"none"}
        allow(f"step {sorted(step)}", step, {kind, *WITH.get(kind, set())})
        if not Expression(step.get("condition", "succeeded()"), {"variables": self.variables}, self.failed).value():
            return self.note(step[kind], None, "skipped\n")
        code, output = getattr(self, kind)(step, end)
        self.failed |= code != 0
        return self.note(step[kind], code, output)

    def note(self, what: str, code: int | None, output: str) -> None:
        self.run.steps.append((self.name, what, code, output))

    def checkout(self, step: dict, _: float) -> tuple[int, str]:
        """The whole history; the commit without a branch."""
        if (step["checkout"], step.get("fetchDepth"), step.get("persistCredentials")) != ("self", "0", "false"):
            raise Unknown(f"checkout {step}")
        tags = "--tags" if step.get("fetchTags") == "true" else "--no-tags"
        git(self.place, "init", "--quiet", "--initial-branch=agent")
        git(self.place, "remote", "add", "origin", str(self.remote))
        wanted = [] if self.ref.startswith(("refs/heads/", "refs/tags/")) else [f"+{self.ref}:refs/remotes/{self.ref[5:]}"]
        git(self.place, "fetch", "--quiet", tags, "origin", "+refs/heads/*:refs/remotes/origin/*", *wanted)
        git(self.place, "checkout", "--quiet", "--detach", self.variables["Build.SourceVersion"])
        return 0, ""

    def script(self, step: dict, end: float) -> tuple[int, str]:
        environment = {name.upper().replace(".", "_"): value for name, value in self.variables.items()}
        environment |= {"AGENT_JOBSTATUS": "Failed" if self.failed else "Succeeded"}
        environment |= {name: self.expanded(value) for name, value in step.get("env", {}).items()}
        command = ["bash", "--noprofile", "--norc", "-c", self.expanded(step["script"])]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        limit = max(end - time.monotonic(), 1)
        done = subprocess.run(command, cwd=self.place, env=os.environ | environment, text=True, timeout=limit, **pipes)
        for line in re.findall(r"^##vso\[(.*)$", done.stdout, re.MULTILINE):
            self.obey(line, step.get("name", ""))
        return done.returncode, done.stdout

    def obey(self, line: str, step: str) -> None:
        assignment = re.fullmatch(r"task\.setvariable variable=([\w.]+)(;isOutput=true)?\](.*)", line)
        if not assignment:
            raise Unknown(f"command ##vso[{line}")
        name, output, value = assignment.groups()
        if output:
            self.run.outputs.setdefault(self.name, {})[f"{self.prefix}{step}.{name}"] = value
        else:
            self.variables[name] = value

    def publish(self, step: dict, _: float) -> tuple[int, str]:
        source = self.place / step["publish"]
        if not source.exists():
            return 1, f"##[error]Path does not exist: {source}\n"
        shutil.copytree(source, self.run.folder / "artifacts" / self.name / self.expanded(step["artifact"]))
        return 0, ""

    def task(self, step: dict, _: float) -> tuple[int, str]:
        """Fetch an artefact of the run."""
        wanted = allow("inputs", step["inputs"], {"artifactName", "targetPath"})
        if step["task"] != "DownloadPipelineArtifact@2":
            raise Unknown(f"task {step}")
        found = [*(self.run.folder / "artifacts").glob(f"*/{self.expanded(wanted['artifactName'])}")]
        for folder in found:
            shutil.copytree(folder, self.expanded(wanted["targetPath"]), dirs_exist_ok=True)
        return int(not found), "" if found else "##[error]Artifact not found\n"

    def expanded(self, text: str) -> str:
        values = {name.lower(): value for name, value in (self.variables | self.secrets).items()}
        return re.sub(r"\$\(([\w.]+)\)", lambda name: values.get(name[1].lower(), name[0]), text)


def steps_of(job: dict) -> list[dict]:
    if "deployment" not in job:
        return job["steps"]
    return allow("runOnce", allow("strategy", job["strategy"], {"runOnce"})["runOnce"], {"deploy"})["deploy"]["steps"]


def included(steps: list[dict], file: Path) -> Iterator[dict]:
    """The steps with those of templates, whose paths start at the file that names them."""
    for step in steps:
        if "template" in step:
            inner = file.parent / allow("template", step, {"template"})["template"]
            yield from included(allow(inner.name, load(inner), {"steps"})["steps"], inner)
        else:
            yield step


def variables_of(definition: dict, file: Path) -> dict[str, str]:
    """Those of the pipeline, or of the templates that it names."""
    content = definition.get("variables", {})
    if isinstance(content, dict):
        return content
    templates = [file.parent / allow("variables", each, {"template"})["template"] for each in content]
    found = [allow(inner.name, load(inner), {"variables"})["variables"] for inner in templates]
    return {name: value for each in found for name, value in each.items()}


def needed_by(job: dict) -> set[str]:
    needed = job.get("dependsOn", [])
    return {needed} if isinstance(needed, str) else set(needed)


def legs(name: str, job: dict) -> Iterator[tuple[str, dict]]:
    if "deployment" in job or "strategy" not in job:
        yield name, {}
        return
    for leg, values in allow("strategy", job["strategy"], {"matrix"})["matrix"].items():
        yield f"{name} {leg}", values


def run(
    name: str,
    remote: Path,
    ref: str,
    folder: Path,
    *,
    only: str = "",
    token: str = "",
    **variables: str,
) -> Run:
    """Run a pipeline as it is in the commit that the ref names; `variables` as set by hand or by its trigger.

    `only` that job is run, if one is named.
    """
    commit, source, result = git(remote, "rev-parse", f"{ref}^{{commit}}"), folder / "source", Run(folder)
    git(remote, "worktree", "add", "--quiet", "--detach", str(source), commit)
    pipeline, secrets = source / "azure-pipelines" / f"{name}.yaml", {"System.AccessToken": token}
    definition = allow(name, load(pipeline), PIPELINE)
    predefined = {
        "TF_BUILD": "True",
        "Build.SourceBranch": ref,
        "Build.SourceBranchName": ref.rpartition("/")[2],
        "Build.SourceVersion": commit,
        "Build.Reason": "IndividualCI",
        "System.JobAttempt": "1",
        "System.StageAttempt": "1",
    }
    predefined |= variables
    jobs = {job.get("job") or job["deployment"]: allow("job", job, JOB) for job in definition["jobs"]}
    needs = {name: needed_by(job) for name, job in jobs.items()}
    for each in graphlib.TopologicalSorter(needs).static_order():
        job, failed = jobs[each], any(result.results[needed] != "Succeeded" for needed in needs[each])
        known = {needed: {"outputs": result.outputs.get(needed, {}), "result": result.results[needed]} for needed in needs[each]}
        names = {"dependencies": known}
        names["variables"] = variables_of(definition, pipeline) | predefined
        if each != (only or each) or not Expression(job.get("condition", "succeeded()"), names, failed).value():
            result.results[each] = "Skipped"
        else:
            steps, end = list(included(steps_of(job), pipeline)), time.monotonic() + 60 * int(job["timeoutInMinutes"])
            machines = []
            for leg, values in legs(each, job):
                own = {key: computed(value, names) for key, value in (job.get("variables", {}) | values).items()}
                machines.append(Machine(result, leg, names["variables"] | own, secrets, remote, ref))
                machines[-1].prefix = f"{each}." if "deployment" in job else ""  # of outputs, only there
                for step in steps:
                    machines[-1].step(step, end)
            result.results[each] = "Failed" if any(machine.failed for machine in machines) else "Succeeded"
    return result


def computed(value: str, names: dict) -> str:
    return Expression(value[2:-1], names, False).value() if value.startswith("$[") else value
