"""Bicep's files, read by a grammar: what they declare, and which names they use."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

PARSER = Parser(Language(tree_sitter_bicep.language()))


@dataclass(eq=False)
class Declared:
    """A parameter, variable, resource, module or output."""

    what: str
    name: str
    node: Node
    kind: str = "any"  # of a parameter or output; of a resource its type with version; of a module its file
    value: Node | None = None
    decorators: dict[str, Node | None] = field(default_factory=dict)

    @property
    def existing(self) -> bool:
        return any(child.type == "existing" for child in self.node.children)

    @cached_property
    def body(self) -> dict[str, Node]:
        return entries(self.value) if self.value is not None and self.value.type == "object" else {}


def text(node: Node) -> str:
    return node.text.decode()


def literal(node: Node | None) -> str | None:
    """A string without anything to insert."""
    if node is None or node.type != "string" or any(child.type == "interpolation" for child in node.named_children):
        return None
    return "".join(text(child) for child in node.named_children).replace("\\'", "'")


def loop_names(node: Node) -> set[str]:
    if node.type != "for_statement":
        return set()
    first = node.named_children[0]
    return {text(child) for child in first.named_children} if first.type == "for_loop_parameters" else {text(first)}


def entries(node: Node) -> dict[str, Node]:
    """An object's values by their keys; without those whose key is known in Azure only."""
    pairs = [child.named_children for child in node.named_children if child.type == "object_property"]
    keyed = [(literal(key) if key.type == "string" else text(key), value) for key, *_, value in pairs]
    return {key: value for key, value in keyed if key is not None}


def inner(node: Node) -> Node:
    """What a condition, loop or pair of parentheses is about."""
    while node.type in ("if_statement", "for_statement", "parenthesized_expression"):
        node = node.named_children[-1]
    return node


def where(node: Node) -> int:
    return node.start_point[0] + 1


class File:
    """A Bicep file, or a file of parameters, whose `param NAME =` the grammar reads as a variable."""

    def __init__(self, path: Path) -> None:
        self.path = path
        source = path.read_text("utf-8")
        if path.suffix == ".bicepparam":
            source = re.sub(r"^param (\w+) =", r"var \1 =", source, flags=re.MULTILINE)
        self.root = PARSER.parse(source.encode()).root_node
        self.declared: dict[str, Declared] = {}
        self.outputs: dict[str, Declared] = {}
        self.twice: list[Node] = []
        decorators: dict[str, Node | None] = {}
        for node in self.root.named_children:
            if node.type == "decorators":
                decorators = dict(self.decorator(child) for child in node.named_children)
            elif node.type.endswith("_declaration"):
                self.declare(node, decorators)
                decorators = {}

    @staticmethod
    def decorator(node: Node) -> tuple[str, Node | None]:
        function, arguments = node.named_children[0].named_children
        return text(function), next(iter(arguments.named_children), None)

    def declare(self, node: Node, decorators: dict[str, Node | None]) -> None:
        what = node.type.removesuffix("_declaration")
        name, *rest = node.named_children
        declared = Declared(what, text(name), node, decorators=decorators)
        if what in ("parameter", "output"):
            declared.kind = text(rest[0]).replace(" ", "")
            declared.value = rest[1] if len(rest) > 1 else None
        elif what in ("resource", "module"):
            declared.kind, declared.value = literal(rest[0]) or "", inner(rest[1])
        elif what == "variable":
            declared.value = rest[0]
        else:
            return
        names = self.outputs if what == "output" else self.declared
        self.twice += [node] if declared.name in names else []
        names[declared.name] = declared

    def of(self, what: str) -> dict[str, Declared]:
        return {name: each for name, each in self.declared.items() if each.what == what}

    @property
    def using(self) -> Path | None:
        named = [literal(node.named_children[0]) for node in self.root.named_children if node.type == "using_statement"]
        return self.path.parent / named[0] if named else None


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.named_children:
        yield from walk(child)


def used(node: Node, bound: frozenset[str] = frozenset()) -> Iterator[tuple[str, Node, bool]]:
    """Each name that an expression uses and nothing around it binds, and whether it is a function's."""
    if node.type == "for_statement":
        rest = node.named_children[1:]
        for child in rest[:1]:
            yield from used(child, bound)
        for child in rest[1:]:
            yield from used(child, bound | loop_names(node))
    elif node.type == "lambda_expression":
        names = {text(each) for each in walk(node.named_children[0]) if each.type == "identifier"}
        yield from used(node.named_children[1], bound | names)
    elif node.type == "object_property":
        key, *values = node.named_children
        for child in [*(key.named_children if key.type == "string" else []), *values]:
            yield from used(child, bound)
    elif node.type == "call_expression":
        yield text(node.named_children[0]), node, True
        yield from used(node.named_children[1], bound)
    elif node.type == "identifier":
        if text(node) not in bound:
            yield text(node), node, False
    else:
        for child in node.named_children:
            yield from used(child, bound)
