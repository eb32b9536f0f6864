{#- Ledger rows that this run may see: known before its build began, and not its own. -#}
{%- macro known_by_this_run() -%}
known_at < {% if run_value('is_recheck') %}{{ as_of() }}{% else %}cast('{{ run_value("known_until") }}' as timestamp){% endif %}
    and run_id <> '{{ run_value("run_id") }}'
{%- endmacro %}
