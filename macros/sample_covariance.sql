{#- The unbiased covariance of two columns of a sample by its size, their sums and the sum of their products. -#}
{%- macro sample_covariance(people, total, other_total, products) -%}
(
    ({{ products }} - {{ total }} * {{ other_total }} / nullif(cast({{ people }} as double), 0))
    / nullif(cast({{ people }} as double) - 1, 0)
)
{%- endmacro %}
