{#- The part of an amount that lies on a stretch from 0 to 1, with four digits. Stretches that lie end to end get parts
    that add up to the amount. -#}
{%- macro stretch_of(amount, share_from, share_to) -%}
cast(
        cast(cast({{ amount }} as double) * {{ share_to }} as decimal(18, 4))
        - cast(cast({{ amount }} as double) * {{ share_from }} as decimal(18, 4)) as decimal(18, 4)
    )
{%- endmacro %}
