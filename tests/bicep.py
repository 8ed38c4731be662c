"""Checks Bicep without its compiler: names, modules, parameter files, and each resource by Azure's types.

A grammar reads the files. What is known only in Azure, such as a property of a module's output that is an object, may be anything.
"""

import graphlib
import re
from collections.abc import Iterator
from pathlib import Path

import azure_types
from bicep_files import Declared, File, entries, inner, literal, text, used, walk, where
from tree_sitter import Node

OWN = {"parent", "scope", "dependsOn"}  # of Bicep, not of the resource
RESULTS = {
    "string": "cidrSubnet concat environment format guid join last padLeft replace resourceId string subscriptionResourceId take toLower uniqueString",
    "bool": "and bool contains empty endsWith not or startsWith",
    "int": "int length max min",
    "array": "createArray filter items map range sort split",
    "object": "toObject union",
    "any": "any deployment first if json resourceGroup subscription tenant",
}
FUNCTIONS = {name: kind for kind, names in RESULTS.items() for name in names.split()}
ANYTHING = {"concat", "last", "environment", "union"}  # depends on what they get
MEMBER = re.compile(r"\b(\w+)(?:\[[^\]]*\])?!?\.(\w+)(?:\.(\w+))?")
"""Of a resource, module or variable: by its text, since the grammar binds `a ? b : c!.d` as `(a ? b : c!).d`."""
SECRET = re.compile(r"(?i)password|secret|token$|(access|account|private|ssh).?key")


class Checker:
    """Finds what is wrong in a file, with `line: what` for each."""

    def __init__(self, file: File) -> None:
        self.file = file

    def problems(self) -> Iterator[str]:
        for node in walk(self.file.root):
            if node.type == "ERROR" or node.is_missing:
                yield f"{where(node)}: cannot be read: {text(node)[:40]}"
        yield from (f"{where(node)}: declared twice" for node in self.file.twice)
        yield from self.names()
        yield from self.circles()
        for each in [*self.file.declared.values(), *self.file.outputs.values()]:
            yield from self.declaration(each)

    def names(self) -> Iterator[str]:
        seen = set()
        for each in [*self.file.declared.values(), *self.file.outputs.values()]:
            skipped = 2 if each.what in ("parameter", "output", "resource", "module") else 1
            for child in each.node.named_children[skipped:]:
                for name, node, called in used(child):
                    seen |= set() if called else {name}
                    if called and name not in FUNCTIONS:
                        yield f"{where(node)}: {name} is not a function that is known here"
                    elif not called and name not in self.file.declared:
                        yield f"{where(node)}: {name} is not declared"
        for name, each in {**self.file.of("parameter"), **self.file.of("variable")}.items():
            if name not in seen and self.file.path.suffix == ".bicep":
                yield f"{where(each.node)}: {name} is not used"

    def depends(self, node: Node) -> set[str]:
        """The resources and modules that an expression uses, also through variables."""
        found = {self.file.declared[name] for name, _, called in used(node) if not called and name in self.file.declared}
        through = (self.depends(each.node.named_children[-1]) for each in found if each.what == "variable")
        return set().union(*through, {each.name for each in found if each.what in ("resource", "module")})

    def circles(self) -> Iterator[str]:
        """What waits for itself."""
        made = {**self.file.of("resource"), **self.file.of("module")}
        try:
            tuple(
                graphlib.TopologicalSorter(
                    {name: self.depends(each.node.named_children[2]) for name, each in made.items()}
                ).static_order()
            )
        except graphlib.CycleError as error:
            yield f"1: {' waits for '.join(error.args[1])}"

    def late(self, node: Node) -> bool:
        """Whether only the deployment finds out the value."""
        for match in MEMBER.finditer(text(node)):
            named = self.file.declared.get(match[1])
            if named is not None and named.what in ("module", "resource") and match[2] not in ("id", "name", "type"):
                return True
        variables = (self.file.declared.get(name) for name, _, called in used(node) if not called)
        return any(each.what == "variable" and self.late(each.node.named_children[-1]) for each in variables if each is not None)

    def early(self, each: Declared) -> Iterator[Node]:
        """What has to be known before the deployment starts: the name, a condition, what a loop is over, a module's place."""
        yield from (each.body[key] for key in ("name", "scope") if key in each.body and (key, each.what) != ("scope", "resource"))
        node = each.node.named_children[2]
        if node.type in ("if_statement", "for_statement"):
            yield node.named_children[0 if node.type == "if_statement" else 1]

    def declaration(self, each: Declared) -> Iterator[str]:
        if each.what == "parameter" and SECRET.search(each.name) and "secure" not in each.decorators:
            yield f"{where(each.node)}: {each.name} has no @secure()"
        if each.what in ("parameter", "output") and each.value is not None:
            yield from self.fits(each.value, each, each.decorators)
        if each.what == "module":
            yield from self.module(each)
        if each.what == "resource":
            yield from self.resource(each)
        if each.what in ("module", "resource"):
            yield from (f"{where(node)}: is known too late: {text(node)[:40]}" for node in self.early(each) if self.late(node))
        value = each.node.named_children[-1]
        for match in MEMBER.finditer(text(value)):
            yield from self.member(match, where(value) + text(value)[: match.start()].count("\n"))

    def fits(self, value: Node, target: Declared, decorators: dict[str, Node | None]) -> Iterator[str]:
        """Whether a value is what a parameter or output takes."""
        kind = self.kind(value)
        expected = "array" if target.kind.endswith("[]") else target.kind
        if "any" not in (kind, expected) and kind != expected:
            yield f"{where(value)}: {target.name} is {target.kind}, not {kind}"
        allowed = decorators.get("allowed")
        choices = [literal(node) for node in allowed.named_children] if allowed is not None else []
        given = literal(inner(value))
        if choices and given is not None and given not in choices:
            yield f"{where(value)}: {target.name} is one of {', '.join(map(str, choices))}"
        size = len(given) if given is not None else int(text(value)) if value.type == "number" else None
        for name, worse in (("min", lambda a, b: a < b), ("max", lambda a, b: a > b)):
            limit = decorators.get(f"{name}Value") or decorators.get(f"{name}Length")
            if limit is not None and size is not None and worse(size, int(text(limit))):
                yield f"{where(value)}: {target.name} is too {'small' if name == 'min' else 'large'}"
        if target.kind == "string[]" and value.type == "array":
            yield from (
                f"{where(item)}: {target.name} is string[]"
                for item in value.named_children
                if self.kind(item) not in ("string", "any")
            )

    def kind(self, node: Node) -> str:
        """Of a value; `any` where only Azure knows."""
        if node.type == "for_statement":
            return "array"
        node = inner(node)
        simple = {"string": "string", "number": "int", "boolean": "bool", "array": "array", "object": "object"}
        if node.type in simple:
            return simple[node.type]
        if node.type == "call_expression":
            name = text(node.named_children[0])
            return "any" if name in ANYTHING else FUNCTIONS.get(name, "any")
        if node.type == "ternary_expression":
            found = {self.kind(child) for child in node.named_children[1:]}
            return found.pop() if len(found) == 1 else "any"
        if node.type == "unary_expression":
            return "bool" if text(node).startswith("!") else "int"
        if node.type == "identifier" and text(node) in self.file.declared:
            named = self.file.declared[text(node)]
            if named.what == "variable":
                return self.kind(named.node.named_children[-1])
            return "array" if named.kind.endswith("[]") else named.kind if named.what == "parameter" else "any"
        if node.type == "member_expression":
            output = self.output(MEMBER.fullmatch(text(node)))
            return output.kind if output is not None and not output.kind.endswith("[]") else "any"
        return "any"

    def module_file(self, each: Declared) -> File | None:
        path = self.file.path.parent / each.kind
        return File(path) if path.is_file() else None

    def output(self, match: re.Match[str] | None) -> Declared | None:
        """The output of a module that `module.outputs.name` names."""
        named = self.file.declared.get(match[1]) if match and match[2] == "outputs" else None
        module = self.module_file(named) if named is not None and named.what == "module" else None
        return module.outputs.get(match[3]) if module is not None else None

    def member(self, match: re.Match[str], line: int) -> Iterator[str]:
        first, second, third = match.groups()
        named = self.file.declared.get(first)
        if named is None or (named.value is None and named.what != "parameter"):
            return
        if named.what == "module" and (second != "outputs" or self.output(match) is None):
            yield f"{line}: {named.kind} has no {second}.{third}"
        if named.what == "variable" and named.value.type == "object" and second not in entries(named.value):
            yield f"{line}: {first} has no {second}"
        if named.what == "resource" and named.kind in azure_types.RESOURCES:
            known = azure_types.properties(azure_types.RESOURCES[named.kind]) or {}
            below = azure_types.properties(known[second]["type"]) if second in known else {}
            if second not in known or (third and below and third not in below):
                yield f"{line}: {named.kind} has no {second}.{third}"

    def module(self, each: Declared) -> Iterator[str]:
        module = self.module_file(each)
        if module is None:
            yield f"{where(each.node)}: {each.kind} does not exist"
            return
        given = entries(each.body["params"]) if "params" in each.body else {}
        wanted = module.of("parameter")
        yield from (f"{where(each.node)}: {each.kind} has no parameter {name}" for name in given.keys() - wanted.keys())
        needed = {name for name, parameter in wanted.items() if parameter.value is None}
        yield from (f"{where(each.node)}: {each.kind} needs the parameter {name}" for name in needed - given.keys())
        for name in given.keys() & wanted.keys():
            yield from self.fits(given[name], wanted[name], wanted[name].decorators)

    def resource(self, each: Declared) -> Iterator[str]:
        if each.kind not in azure_types.RESOURCES:
            yield f"{where(each.node)}: {each.kind} is not in azure_types.json; see tools/azure_types.py"
            return
        body = azure_types.RESOURCES[each.kind]
        if each.existing:
            yield from (
                f"{where(each.node)}: an existing resource has only a name" for key in each.body if key not in {"name", *OWN}
            )
            return
        parent = each.body.get("parent")
        above = self.file.declared.get(re.match(r"\w*", text(parent))[0]) if parent is not None else None
        expected = each.kind.partition("@")[0].rpartition("/")[0]
        if expected.count("/") and (above is None or above.kind.partition("@")[0] != expected):
            yield f"{where(each.node)}: its parent is a resource of {expected}"
        yield from self.value(each.value, body, skipped=OWN | {"id", "type", "apiVersion"})

    def value(self, node: Node, type_: azure_types.Type, skipped: set[str] = frozenset()) -> Iterator[str]:
        """What in a value is not as the type in Azure."""
        item = azure_types.TYPES[type_].get("itemType")
        if node.type == "for_statement" and item is not None:
            yield from self.value(node.named_children[-1], item)
            return
        node = inner(node)
        if node.type in ("ternary_expression", "binary_expression") and (node.type[0] == "t" or "??" in text(node)):
            for child in node.named_children[-2:]:
                yield from self.value(child, type_) if text(child) != "null" else ()
            return
        if node.type == "identifier" and text(node) in self.file.of("variable"):
            yield from self.value(self.file.declared[text(node)].node.named_children[-1], type_)
            return
        kind, expected = self.kind(node), azure_types.kinds(type_)
        if expected and kind != "any" and kind not in expected:
            yield f"{where(node)}: {text(node)[:40]!r} is {kind}, not {' or '.join(sorted(expected))}"
        elif node.type == "object":
            yield from self.object(node, type_, skipped)
        elif node.type == "array" and item is not None:
            for each in node.named_children:
                yield from self.value(each, item)
        elif node.type == "number":
            yield from (f"{where(node)}: {each}" for each in azure_types.wrong_number(type_, int(text(node))))
        elif literal(node) is not None:
            yield from (f"{where(node)}: {each}" for each in azure_types.wrong_text(type_, literal(node)))
        elif node.type == "identifier":
            yield from self.choices(node, type_)

    def choices(self, node: Node, type_: azure_types.Type) -> Iterator[str]:
        """A parameter with choices, where Azure has its own."""
        named = self.file.declared.get(text(node))
        allowed = named.decorators.get("allowed") if named is not None else None
        known = azure_types.literals(type_)
        for choice in allowed.named_children if allowed is not None and known else ():
            if literal(choice) not in known:
                yield f"{where(choice)}: '{literal(choice)}' is not one of {', '.join(sorted(known))}"

    def object(self, node: Node, type_: azure_types.Type, skipped: set[str]) -> Iterator[str]:
        given = entries(node)
        known = azure_types.properties(type_, literal(given.get(azure_types.tag(type_))) or "")
        if known is None:
            return
        for name, value in given.items():
            if name not in known:
                if name not in skipped:
                    yield f"{where(value)}: {name} is not a property here"
            elif known[name]["flags"] & azure_types.READ_ONLY and name not in skipped:
                yield f"{where(value)}: {name} is set by Azure"
            else:
                yield from self.value(value, known[name]["type"])
        for name, content in known.items():
            if content["flags"] & azure_types.REQUIRED and name not in given and name not in skipped:
                yield f"{where(node)}: {name} is missing"


def parameters(file: File) -> Iterator[str]:
    """What is wrong in a file of parameters."""
    if file.using is None or not file.using.is_file():
        yield "1: no template, by `using`"
        return
    main = File(file.using)
    wanted, checker = main.of("parameter"), Checker(file)
    given = {match[1] for match in re.finditer(r"^param (\w+) =", file.path.read_text("utf-8"), re.MULTILINE)}
    yield from (f"1: {main.path.name} has no parameter {name}" for name in sorted(given - wanted.keys()))
    needed = {name for name, each in wanted.items() if each.value is None}
    yield from (f"1: {name} is missing" for name in sorted(needed - given))
    yield from (problem for problem in checker.problems())
    for name in sorted(given & wanted.keys()):
        yield from checker.fits(file.declared[name].value, wanted[name], wanted[name].decorators)
    for node in walk(file.root):
        if node.type == "string" and re.search(r"[*?]", text(node)):
            yield f"{where(node)}: Azure compares subjects exactly: {text(node)}"


def problems(folder: Path) -> list[str]:
    """What is wrong in a folder of Bicep, as `file:line: what`."""
    found = []
    for path in sorted([*folder.rglob("*.bicep"), *folder.rglob("*.bicepparam")]):
        file = File(path)
        each = parameters(file) if path.suffix == ".bicepparam" else Checker(file).problems()
        found += [f"{path.relative_to(folder).as_posix()}:{problem}" for problem in each]
    return found
