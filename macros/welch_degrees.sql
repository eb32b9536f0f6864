{#- Degrees of freedom of a difference of two means whose variances differ (Welch 1947; Satterthwaite 1946).
    `first` and `second` are the variances of the two means, each with the size of its group. -#}
{%- macro welch_degrees(first, first_people, second, second_people) -%}
(
    ({{ first }} + {{ second }}) * ({{ first }} + {{ second }})
    / nullif(
        {{ first }} * {{ first }} / nullif(cast({{ first_people }} as double) - 1, 0)
        + {{ second }} * {{ second }} / nullif(cast({{ second_people }} as double) - 1, 0), 0
    )
)
{%- endmacro %}
