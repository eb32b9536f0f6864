{#- Ledger rows that this run may see: known before its build began, and not its own. -#}
{%- macro known_by_this_run() -%}
known_at < {% if var('is_recheck') %}{{ as_of() }}{% else %}cast('{{ var("known_until") }}' as timestamp){% endif %}
    and run_id <> '{{ var("run_id") }}'
{%- endmacro %}
