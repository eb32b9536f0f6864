"""The allow-list over the syntax tree: text and placeholders, and each other thing refused by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from activation.content.loading import load_templates
from activation.content.syntax import placeholders
from activation.errors import ConfigurationError
from activation.types import PLACEHOLDER


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("{% for name in names %}{% endfor %}", "a loop"),
        ("{% if vip %}x{% endif %}", "a condition"),
        ("{{ 'a' if vip else 'b' }}", "a condition"),
        ("{{ customer.name }}", "an attribute"),
        ("{{ customer['name'] }}", "an item"),
        ("{{ name() }}", "a call"),
        ("{{ name|upper }}", "a filter"),
        ("{{ none }}", "a constant"),
        ("{{ 'text' }}", "a constant"),
        ("{{ a ~ b }}", "a concat"),
        ("{{ ''.__class__.__mro__ }}", "an attribute"),
        ("{% set name = 'x' %}", "an assignment"),
        ("{% include 'secrets' %}", "an include"),
        ("{{ First }}", "that is no name"),
        ("{% raw %}{{ name }}{% endraw %}", "{% is not part of a placeholder"),
        ("{{- name -}}", "{{ is not part of a placeholder"),
        ("{{ name }} }}", "}} is not part of a placeholder"),
        ("{# a note #}", "{# is not part of a placeholder"),
        ("{{ " + "(" * 5000 + "x" + ")" * 5000 + " }}", "is not part of a placeholder"),
    ],
)
def test_what_is_no_placeholder_is_named_with_its_line(line: str, word: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        placeholders(f"Hi {{{{ first_name }}}}\n{line}\nBye", "body.txt")
    assert str(caught.value).startswith("body.txt, line 2: ")
    assert word in str(caught.value)


def test_names_of_the_tree_are_those_that_are_filled_in() -> None:
    for content in load_templates().values():
        filled = {name for text in content.parts.values() for name in PLACEHOLDER.findall(text)}
        assert content.placeholders == filled


def test_a_text_beyond_any_message_is_not_even_parsed() -> None:
    with pytest.raises(ConfigurationError, match="1,000,000 characters"):
        placeholders("x" * 1_000_001, "body.txt")


MAIL = {
    "subject.txt": "Hi",
    "body.txt": "{{ unsubscribe_url }} {{ privacy_url }} {{ postal_address }}",
    "body.html": "<html><body class='a'><p>{{ unsubscribe_url }} {{ privacy_url }} {{ postal_address }}</p></body>",
}


def write(folder: Path, files: dict[str, str]) -> Path:
    (folder / "hello").mkdir(parents=True)
    for name, text in files.items():
        (folder / "hello" / name).write_text(text)
    return folder


def test_a_preheader_is_the_first_and_hidden_text_of_the_html(tmp_path: Path) -> None:
    content = load_templates(write(tmp_path / "a", MAIL | {"preheader.txt": "For {{ first_name }} & you"}))[
        "hello"
    ]
    plain = load_templates(write(tmp_path / "b", MAIL))["hello"]
    assert "<body class='a'><div style=\"display: none;" in content.parts["html"]
    assert ">For {{ first_name }} &amp; you</div><p>" in content.parts["html"]
    assert content.placeholders == plain.placeholders | {"first_name"}
    assert content.version != plain.version
    assert set(content.parts) == set(plain.parts)
    with pytest.raises(ConfigurationError, match=r"preheader\.txt, line 2"):
        load_templates(write(tmp_path / "c", MAIL | {"preheader.txt": "a\nb"}))


def test_a_subject_that_no_header_holds_is_refused(tmp_path: Path) -> None:
    load_templates(write(tmp_path / "a", MAIL | {"subject.txt": "x" * 989}))
    with pytest.raises(ConfigurationError, match=r"subject\.txt: a subject has at most 989 octets"):
        load_templates(write(tmp_path / "b", MAIL | {"subject.txt": "ä" * 495}))


def test_an_sms_that_takes_too_many_segments_whatever_its_values_is_refused(tmp_path: Path) -> None:
    long = "x" * (3 * 153 - 4) + "STOP"
    assert load_templates(write(tmp_path / "a", {"body.txt": long}))["hello"].max_segments == 3
    with pytest.raises(ConfigurationError, match=r"takes 4 segments \(GSM-7\) and may take 3"):
        load_templates(write(tmp_path / "b", {"body.txt": long + "x"}))
    more = {"body.txt": long + "x", "template.yml": "max_segments: 4"}
    assert load_templates(write(tmp_path / "c", more))["hello"].max_segments == 4
