"""Templates: what is refused, and what a rendered message can never become."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from activation.content import (
    load_templates,
    render,
    templates_table,
)
from activation.errors import ConfigurationError
from activation.types import Content

ADDRESS = "{{ privacy_url }} {{ postal_address }}"
LINKS = f"{{{{ unsubscribe_url }}}} {ADDRESS}"
EMAIL = {"subject.txt": "Hi {{ first_name }}", "body.html": f"<p>Hi</p>{LINKS}", "body.txt": f"Hi {LINKS}"}
SMS = {"body.txt": "Hi {{ first_name }}. Reply STOP to opt out."}
GSM7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


def write(folder: Path, name: str, files: dict[str, str]) -> Path:
    for file, text in files.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / file).write_text(text)
    return folder


def load(folder: Path, files: dict[str, str]) -> Content:
    return load_templates(write(folder, "hello", files))["hello"]


def test_the_shipped_templates_are_well_made() -> None:
    contents = load_templates()
    assert contents["weekly_reactivation"].channel == "email"
    assert contents["vip_offer"].channel == "sms"
    needed = {"first_name", "offer_text"}
    assert contents["vip_offer"].placeholders == needed
    assert contents["weekly_reactivation"].placeholders == needed | {
        "unsubscribe_url",
        "postal_address",
        "privacy_url",
    }


def test_the_shipped_sms_fits_one_segment() -> None:
    fields = {"first_name": "Christopher", "offer_text": "20 % off your next basket"}
    text = render(load_templates()["vip_offer"], "text", fields)
    assert len(text) <= 160
    assert set(text) <= GSM7
    assert text.endswith("Reply STOP to opt out.")


def test_channel_and_placeholders_come_from_the_files(tmp_path: Path) -> None:
    write(tmp_path, "mail", EMAIL)
    write(tmp_path, "text", SMS)
    write(tmp_path, ".hidden", {"odd.md": "x"})
    contents = load_templates(tmp_path)
    assert {name: content.channel for name, content in contents.items()} == {"mail": "email", "text": "sms"}
    assert contents["text"].placeholders == {"first_name"}


def test_the_version_follows_the_content_alone(tmp_path: Path) -> None:
    first = load(tmp_path / "a", EMAIL)
    same = load(tmp_path / "b", EMAIL)
    moved = load(tmp_path / "c", EMAIL | {"body.txt": EMAIL["body.txt"] + "!"})
    assert first.version == same.version != moved.version
    assert len(first.version) == 12
    assert int(first.version, 16) >= 0


@pytest.mark.parametrize(
    "line",
    [
        "{% if vip %}",
        "{{ customer.name }}",
        "{{ name() }}",
        "{{ name|upper }}",
        "{{ First }}",
        "{{ }}",
        "{{ name",
        "name }}",
        "{{{ name }}}",
        "{{ {{ name }} }}",
        "{{ name\n}}",
        "{# note #}",
        "{{ __class__ }} {{ 1+1 }}",
    ],
)
def test_foreign_syntax_is_refused_with_file_and_line(line: str, tmp_path: Path) -> None:
    text = f"Hi\n{line}\nReply STOP to opt out."
    with pytest.raises(ConfigurationError, match=r"body\.txt, line 2: "):
        load(tmp_path, {"body.txt": text})


def test_single_braces_are_text(tmp_path: Path) -> None:
    style = "<style>p { color: red } 100%</style>"
    assert style in load(tmp_path, EMAIL | {"body.html": style + LINKS}).parts["html"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"body.html": "<p>{{ postal_address }}</p>"}, r"body\.html.*unsubscribe_url"),
        ({"body.html": "<p>{{unsubscribe_url}}{{ privacy_url }}</p>"}, r"body\.html.*postal_address"),
        ({"body.txt": ADDRESS}, r"body\.txt.*unsubscribe_url"),
        ({"body.txt": "{{ unsubscribe_url }} {{ postal_address }}"}, r"body\.txt.*privacy_url"),
        ({"subject.txt": ""}, r"subject\.txt is empty"),
        ({"subject.txt": "Hi\nBcc: everybody"}, r"subject\.txt, line 2"),
        ({"body.htm": "x"}, r"body\.htm"),
    ],
)
def test_incomplete_mail_is_refused(changes: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load(tmp_path, EMAIL | changes)


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"body\.html is missing"):
        load(tmp_path, {name: text for name, text in EMAIL.items() if name != "body.html"})


def test_an_sms_without_a_way_out_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"body\.txt.*STOP"):
        load(tmp_path, {"body.txt": "Buy now"})


def test_a_template_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "hello", SMS)
    (tmp_path / "hello" / "body.txt").write_bytes(b"STOP \xff")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        load_templates(tmp_path)


FIELDS = {
    "unsubscribe_url": "https://shop.example.com/u?a=1&b=2",
    "privacy_url": "https://shop.example.com/privacy",
    "postal_address": "1 Example Street",
}


def test_html_is_escaped_and_text_is_not(tmp_path: Path) -> None:
    content = load(tmp_path, {name: text + " {{ first_name }}" for name, text in EMAIL.items()})
    fields = FIELDS | {"first_name": "<b>\"Ann\" & 'Co'"}
    assert "&lt;b&gt;&quot;Ann&quot; &amp; &#x27;Co&#x27;" in render(content, "html", fields)
    assert "u?a=1&amp;b=2" in render(content, "html", fields)
    assert "<b>\"Ann\" & 'Co'" in render(content, "text", fields)


def test_a_subject_stays_one_line(tmp_path: Path) -> None:
    fields = FIELDS | {"first_name": "Ann\r\nBcc: all\x00\u2028\x85\x7f!"}
    assert render(load(tmp_path, EMAIL), "subject", fields) == "Hi Ann Bcc: all !"


def test_values_are_never_scanned_for_placeholders(tmp_path: Path) -> None:
    content = load(tmp_path, {"body.txt": "{{ first_name }}{{ last_name }} STOP"})
    fields = {"first_name": "{{ last_name }}", "last_name": "{{ first_name }} \\1 $1"}
    assert render(content, "text", fields) == "{{ last_name }}{{ first_name }} \\1 $1 STOP"


def test_a_missing_field_names_the_placeholder_and_not_the_person(tmp_path: Path) -> None:
    content = load(tmp_path, {"body.txt": "{{ first_name }} {{ offer }} STOP"})
    with pytest.raises(ConfigurationError, match=r"\{\{ offer \}\}") as caught:
        render(content, "text", {"first_name": "Ann"})
    assert "Ann" not in str(caught.value)


def test_the_table_that_lands_lists_every_template(tmp_path: Path) -> None:
    write(tmp_path, "mail", EMAIL)
    write(tmp_path, "text", SMS)
    write(tmp_path, "text.de", SMS | {"template.yml": "valid_until: 2026-12-24"})
    contents = load_templates(tmp_path)
    assert templates_table(contents).to_pylist()[::2] == [
        {
            "template": "mail",
            "name": "mail",
            "language": None,
            "channel": "email",
            "purpose": "marketing",
            "version": contents["mail"].version,
            "placeholders": "first_name,postal_address,privacy_url,unsubscribe_url",
            "valid_until": None,
        },
        {
            "template": "text.de",
            "name": "text",
            "language": "de",
            "channel": "sms",
            "purpose": "marketing",
            "version": contents["text.de"].version,
            "placeholders": "first_name",
            "valid_until": date(2026, 12, 24),
        },
    ]


TITLED = {"subject.txt": "Hi {{ first_name }}", "body.txt": "Look"}


@pytest.mark.parametrize(
    ("channel", "files"),
    [("push", TITLED), ("task", TITLED), ("mail", {"body.txt": "Dear {{ first_name }}"})],
)
def test_a_template_says_its_channel_where_the_files_do_not(
    channel: str, files: dict[str, str], tmp_path: Path
) -> None:
    content = load(tmp_path, files | {"template.yml": f"channel: {channel}"})
    assert (content.channel, content.placeholders) == (channel, {"first_name"})
    part = "subject" if "subject.txt" in files else "text"
    assert render(content, part, {"first_name": "Ann"}).endswith(" Ann")


def test_what_the_settings_say_is_no_part_of_the_version(tmp_path: Path) -> None:
    without = load(tmp_path / "a", SMS)
    limited = load(tmp_path / "b", SMS | {"template.yml": "valid_until: 2026-12-24"})
    assert limited.version == without.version
    assert (limited.valid_until, without.valid_until) == (date(2026, 12, 24), None)


def test_service_mail_needs_an_address_and_no_way_to_unsubscribe(tmp_path: Path) -> None:
    service = {"template.yml": "purpose: service"}
    letter = EMAIL | {"body.html": f"<p>{ADDRESS}</p>", "body.txt": ADDRESS}
    assert load(tmp_path / "a", letter | service).purpose == "service"
    with pytest.raises(ConfigurationError, match=r"body\.txt: a service message must contain .*privacy_url"):
        load(tmp_path / "b", letter | service | {"body.txt": "Hi"})
    with pytest.raises(ConfigurationError, match=r"body\.txt.*STOP"):
        load(tmp_path / "c", service | {"body.txt": "Hi"})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("channel: pigeon", r"template\.yml: channel is one of email, sms, push, mail, task"),
        ("purpose: fun", r"template\.yml: purpose is one of"),
        ("channel: [sms]", r"template\.yml: channel"),
        ("valid_until: soon", r"template\.yml: valid_until is the last day"),
        ("valid_until: 2026-12-24T10:00:00", r"template\.yml: valid_until is the last day"),
        ("valid_until:", r"template\.yml: valid_until is the last day"),
        ("expires: 2026-12-24", r"template\.yml: it says nothing but channel"),
        ("max_segments: 0", r"template\.yml: max_segments is a number from 1 to 10"),
        ("max_segments: yes", r"template\.yml: max_segments"),
        ("- channel", r"template\.yml: it says nothing but channel"),
        ("channel: {sms: [}", r"template\.yml, line \d+: this is not valid YAML"),
        ("channel: push", r"subject\.txt is missing: push has subject\.txt, body\.txt"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load(tmp_path, SMS | {"template.yml": settings})


def test_a_copy_in_a_language_takes_what_it_does_not_say_from_the_default_one(tmp_path: Path) -> None:
    write(tmp_path, "news", TITLED | {"template.yml": "{channel: push, valid_until: 2026-12-24}"})
    write(tmp_path, "news.de", TITLED | {"body.txt": "Schau"})
    write(tmp_path, "news.pt-BR", TITLED | {"template.yml": "valid_until: 2026-12-31"})
    contents = load_templates(tmp_path)
    found = {
        name: (content.name, content.language, content.channel, content.valid_until)
        for name, content in contents.items()
    }
    assert found == {
        "news": ("news", None, "push", date(2026, 12, 24)),
        "news.de": ("news", "de", "push", date(2026, 12, 24)),
        "news.pt-BR": ("news", "pt-BR", "push", date(2026, 12, 31)),
    }
    assert contents["news.de"].version != contents["news"].version == contents["news.pt-BR"].version


@pytest.mark.parametrize(
    ("name", "files", "message"),
    [
        ("news.german", SMS, r"news\.german: after the dot comes a language, as in news\.de"),
        ("letter.de", SMS, r"letter\.de: .* and letter is there as well"),
        (
            "news.de",
            {"body.txt": "Hallo STOP"},
            r"de/body\.txt: \{\{ first_name \}\} is missing; it is in news",
        ),
        (
            "news.de",
            {"body.txt": "{{ first_name }} {{ city }} STOP"},
            r"de/body\.txt: \{\{ city \}\} is not in",
        ),
        (
            "news.de",
            SMS | {"template.yml": "channel: mail"},
            r"news\.de/template\.yml: news is marketing by sms",
        ),
        ("news.de", SMS | {"template.yml": "purpose: service"}, r"news\.de/template\.yml: news is marketing"),
    ],
)
def test_a_copy_that_is_another_message_is_refused(
    name: str, files: dict[str, str], message: str, tmp_path: Path
) -> None:
    write(tmp_path, "news", SMS)
    write(tmp_path, name, files)
    with pytest.raises(ConfigurationError, match=message):
        load_templates(tmp_path)


def test_no_template_is_an_empty_table(tmp_path: Path) -> None:
    assert templates_table(load_templates(tmp_path)).num_rows == 0
