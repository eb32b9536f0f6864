{#- A bound of the 95 % interval of a share, by Wilson's score (Journal of the American Statistical Association 22, 1927,
    p. 209), with six digits: `upper` or `lower`. Holds for few trials too; null without any. -#}
{%- macro wilson_bound(successes, trials, side) -%}
case
        when {{ trials }} > 0
            then cast(
                greatest(least({{ score_bound(successes, trials, 1.959964, 1 if side == 'upper' else -1) }}, 1), 0)
                as decimal(9, 6)
            )
    end
{%- endmacro %}
