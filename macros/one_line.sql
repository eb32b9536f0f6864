{#-
    A text on one line: control characters and white space of any kind become one blank, outer ones go. So do invisible
    direction marks, which are no part of a name; joiners stay, because Persian and Hindi are spelt with them. Null if
    nothing is left.
-#}
{%- macro one_line(text) -%}
{%- set marks = '[\\x{200B}\\x{200E}\\x{200F}\\x{202A}-\\x{202E}\\x{2060}\\x{2066}-\\x{2069}\\x{FEFF}]' -%}
{%- set blanks = '[\\x00-\\x20\\x7F-\\xA0\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}'
    ~ '\\x{205F}\\x{3000}]+' -%}
nullif(trim({{ replace_all(replace_all(text, marks, ''), blanks, ' ') }}), '')
{%- endmacro %}
