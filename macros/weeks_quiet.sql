{#- For how many whole weeks there had been no order at a moment, as text: '0' to '26' (also any longer time), or 'never'. -#}
{%- macro weeks_quiet(last_ordered_at, moment) -%}
{%- set longest_told_weeks = 26 -%}
case
    when {{ last_ordered_at }} is null then 'never'
    else cast(
        cast(least(floor({{ days_between(last_ordered_at, moment) }} / 7), {{ longest_told_weeks }}) as int)
        as string
    )
end
{%- endmacro %}
