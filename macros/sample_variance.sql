{#- The unbiased variance of a sample by its size, sum and sum of squares; null for fewer than two. -#}
{%- macro sample_variance(people, total, squares) -%}
greatest(
    ({{ squares }} - {{ total }} * {{ total }} / nullif(cast({{ people }} as double), 0))
    / nullif(cast({{ people }} as double) - 1, 0), 0
)
{%- endmacro %}
