{#- The lower (`side` -1) or upper (1) bound of the difference of two shares, first less second: Newcombe's hybrid score
    interval (Statistics in Medicine 17, 1998, method 10), from the score bounds of both. -#}
{%- macro newcombe_bound(successes, people, other_successes, other_people, z, side) -%}
{%- set share = successes ~ ' / nullif(cast(' ~ people ~ ' as double), 0)' -%}
{%- set other_share = other_successes ~ ' / nullif(cast(' ~ other_people ~ ' as double), 0)' -%}
(
    {{ share }} - {{ other_share }} + {{ side }} * sqrt(
        power({{ score_bound(successes, people, z, side) }} - {{ share }}, 2)
        + power({{ other_share }} - {{ score_bound(other_successes, other_people, z, 0 - side) }}, 2)
    )
)
{%- endmacro %}
