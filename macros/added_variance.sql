{#- The variance of a share with a success and a failure added to its group (Agresti and Caffo, The American
    Statistician 54, 2000): never nothing, as that of a group without buyers is by itself. -#}
{%- macro added_variance(successes, people) -%}
(
    ({{ successes }} + 1) * (cast({{ people }} as double) - {{ successes }} + 1)
    / power(cast({{ people }} as double) + 2, 3)
)
{%- endmacro %}
