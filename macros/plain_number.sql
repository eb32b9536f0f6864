{#- A number in words: whole where it is whole, else with four decimals; the same on every engine. -#}
{%- macro plain_number(value) -%}
case
        when {{ value }} = round({{ value }}) then cast(cast({{ value }} as bigint) as string)
        else cast(cast({{ value }} as decimal(18, 4)) as string)
    end
{%- endmacro %}
