{#- A comma-separated list of the reasons whose condition holds, in the order given; null where none does. -#}
{%- macro failing_reasons(conditions) -%}
nullif(concat_ws(
            ','
            {%- for reason, condition in conditions.items() %},
            case when {{ condition }} then '{{ reason }}' end
            {%- endfor %}
        ), '')
{%- endmacro %}
