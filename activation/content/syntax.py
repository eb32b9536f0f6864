"""What a template may say: text, and ``{{ name }}``. An allow-list over the syntax tree refuses everything else.

The tree is Jinja's, because that is the language which people who write templates believe they write in: a loop, a
filter or a call is recognised as what it is, and named. It is only ever parsed, never compiled or run; what fills
placeholders in is ``Content.fill``, or the same as SQL in a connector.
"""

from __future__ import annotations

import re

from jinja2 import Environment, TemplateSyntaxError, nodes

from activation.errors import ConfigurationError
from activation.types import PLACEHOLDER

ALLOWED = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name)
# What to call what people try most; anything else goes by the name of its node.
WORDS: dict[type[nodes.Node], str] = {
    nodes.For: "a loop",
    nodes.If: "a condition",
    nodes.CondExpr: "a condition",
    nodes.Call: "a call",
    nodes.Getattr: "an attribute",
    nodes.Getitem: "an item",
    nodes.Filter: "a filter",
    nodes.Include: "an include",
    nodes.Import: "an import",
    nodes.Macro: "a macro",
    nodes.Assign: "an assignment",
    nodes.Const: "a constant",
}
NAME = re.compile(r"[a-z_]+")
DELIMITER = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")
RULE = "the only syntax is {{ name }} with a name of a-z and _, on one line"
MAX_CHARACTERS = 1_000_000

_PARSER = Environment(autoescape=True, keep_trailing_newline=True)


def placeholders(text: str, where: str) -> frozenset[str]:
    """The names of all placeholders of a text.

    Raises ``ConfigurationError`` beginning with ``where``, and the line of what is no placeholder.
    """
    if len(text) > MAX_CHARACTERS:
        raise ConfigurationError(f"{where}: is over {MAX_CHARACTERS:,} characters; no message is")
    leftover = _leftover(text)
    try:
        tree = _PARSER.parse(text)
    except (TemplateSyntaxError, RecursionError) as error:
        line, found = leftover or (getattr(error, "lineno", 1), "what is there")
        raise ConfigurationError(
            f"{where}, line {line}: {found} is not part of a placeholder; {RULE}"
        ) from None
    names = set()
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, ALLOWED):
            word = WORDS.get(type(node), f"a {type(node).__name__.lower()}")
            raise ConfigurationError(f"{where}, line {node.lineno}: {word} is not allowed; {RULE}")
        if isinstance(node, nodes.Name):
            if not NAME.fullmatch(node.name):
                raise ConfigurationError(f"{where}, line {node.lineno}: that is no name; {RULE}")
            names.add(node.name)
    # What the tree reads as a placeholder and the connectors' pattern does not would be sent as it is.
    if leftover is not None:
        line, found = leftover
        raise ConfigurationError(f"{where}, line {line}: {found} is not part of a placeholder; {RULE}")
    return frozenset(names)


def _leftover(text: str) -> tuple[int, str] | None:
    """The line and text of the first delimiter that is not a placeholder's."""
    for number, line in enumerate(text.splitlines(), start=1):
        found = DELIMITER.search(PLACEHOLDER.sub("\0", line))
        if found:
            return number, found[0]
    return None
