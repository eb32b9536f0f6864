{#- Boundaries of the part that lie between the two, as on DuckDB. dbt-spark's own rounds hours up and fails on
    null. -#}
{%- macro spark__datediff(first_date, second_date, datepart) -%}
timestampdiff(
    {{ datepart }},
    date_trunc('{{ datepart }}', {{ first_date }}),
    date_trunc('{{ datepart }}', {{ second_date }})
)
{%- endmacro %}
