{#- The lower (`side` -1) or upper (1) end of Wilson's score interval of a share, as an expression to compute on: `z`, a
    number, is the quantile of the normal. -#}
{%- macro score_bound(successes, people, z, side) -%}
(
    (
        {{ successes }} + {{ z * z / 2 }}
        + {{ side * z }} * sqrt(
            greatest(
                {{ successes }} * (1 - {{ successes }} / nullif(cast({{ people }} as double), 0)) + {{ z * z / 4 }}, 0
            )
        )
    ) / (cast({{ people }} as double) + {{ z * z }})
)
{%- endmacro %}
