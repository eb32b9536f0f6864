"""How each ad platform wants an address before it is hashed: one normalisation for each, never shared.

``Some.Body+x@gmail.com`` is another person to Google (which drops dots and suffix of Gmail addresses) than to
Meta (which keeps them); ``+1 800 555 0100`` keeps its plus for Google and loses it for Meta. Each rule exists
twice: as a DuckDB expression, which does the work, and as a Python function, the
reference that tests compare it with. All return lower-case hex of SHA-256, or null where nothing is left.

Sources: Meta's ``facebook-business`` SDK (``CustomAudienceMixin``); Google's
``google-ads-datamanager-util`` 0.4.0 and its own test vectors. Both lower the case as Python does.
"""

from __future__ import annotations

import hashlib
import re

# str.strip(" \t\r\n\0\x0B.") of Meta's SDK. chr(0) cannot be in a DuckDB literal.
_META_STRIP = " \t\r\n\0\x0b."
_META_STRIP_SQL = "' .' || chr(9) || chr(10) || chr(11) || chr(13) || chr(0)"
# What str.isspace knows; the \\s of DuckDB's regular expressions is ASCII, without the vertical tab.
_BLANK_SQL = r"[\s\x0b\x1c-\x1f\x{85}\p{Z}]"
_GMAIL = ("gmail.com", "googlemail.com")
# Where DuckDB's lower() is not str.lower(): a capital sigma that ends a word, and a capital I with a dot. What may
# stand between the sigma and the letters around it is what Unicode calls case-ignorable.
_IGNORED = r".:''·\p{M}\p{Lm}\p{Sk}\p{Cf}"
_FINAL_SIGMA_SQL = (
    rf"'([\p{{Lu}}\p{{Ll}}\p{{Lt}}][{_IGNORED}]*)Σ([{_IGNORED}]*)([^\p{{L}}{_IGNORED}]|$)', '\1ς\2\3'"
)


def meta_email(value: str | None) -> str | None:
    """Meta: outer blanks and dots off, lower case."""
    return _sha256((value or "").strip(_META_STRIP).lower())


def meta_phone(value: str | None) -> str | None:
    """Meta: ASCII digits alone, with the country's, without a plus."""
    return _sha256(re.sub(r"[^0-9]", "", value or ""))


def google_email(value: str | None) -> str | None:
    """Google: blanks off, lower case; for Gmail alone, dots and ``+suffix`` out of the local part."""
    address = (value or "").strip().lower()
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
        return None
    local, domain = address.split("@")
    if domain in _GMAIL:
        local = local.split("+")[0].replace(".", "")
    return _sha256(f"{local}@{domain}") if local else None


def google_phone(value: str | None) -> str | None:
    """Google: a plus and the digits, of any script. It adds no country: the number must be in E.164 before."""
    digits = re.sub(r"\D", "", value or "")
    return _sha256(f"+{digits}") if digits else None


def meta_email_sql(column: str) -> str:
    """:func:`meta_email` as a DuckDB expression."""
    # All that is stripped comes before the letters and digits: few addresses have to be looked at closely.
    is_bare = f"ascii({column}) > {ord('.')} and ascii(right({column}, 1)) > {ord('.')}"
    stripped = f"case when {is_bare} then {column} else trim({column}, {_META_STRIP_SQL}) end"
    return _sha256_sql(_lower_sql(stripped))


def meta_phone_sql(column: str) -> str:
    """:func:`meta_phone` as a DuckDB expression."""
    digits = f"regexp_replace({column}, '[^0-9]', '', 'g')"
    return _sha256_sql(
        f"case when regexp_full_match({column}, '\\+[0-9]+') then substr({column}, 2) else {digits} end"
    )


def google_email_sql(column: str) -> str:
    """:func:`google_email` as a DuckDB expression."""
    address = _lower_sql(f"regexp_replace({column}, '^{_BLANK_SQL}+|{_BLANK_SQL}+$', '', 'g')")
    local = f"split_part({address}, '@', 1)"
    domain = f"split_part({address}, '@', 2)"
    gmail = f"replace(split_part({local}, '+', 1), '.', '')"
    return (
        f"case when regexp_matches({address}, '{_BLANK_SQL}') then null "
        f"when not regexp_full_match({address}, '[^@]+@[^@]+') then null "
        f"when {domain} not in {_GMAIL} then sha256({address}) "
        f"when {gmail} <> '' then sha256({gmail} || '@' || {domain}) end"
    )


def google_phone_sql(column: str) -> str:
    """:func:`google_phone` as a DuckDB expression."""
    digits = rf"regexp_replace({column}, '\P{{Nd}}', '', 'g')"
    return f"case when {digits} <> '' then sha256('+' || {digits}) end"


def _sha256(text: str) -> str | None:
    return hashlib.sha256(text.encode()).hexdigest() if text else None


def _lower_sql(text: str) -> str:
    """Lower case as ``str.lower`` makes it, which the official formatters use."""
    final = f"regexp_replace(replace({text}, 'İ', 'i̇'), {_FINAL_SIGMA_SQL}, 'g')"
    return f"lower(case when contains({text}, 'Σ') or contains({text}, 'İ') then {final} else {text} end)"


def _sha256_sql(text: str) -> str:
    return f"case when {text} <> '' then sha256({text}) end"
