{#- Calendar months or ISO weeks from the beginning of a period to the period that a moment is in (UTC). -#}
{%- macro periods_between(grain, start, moment) -%}
cast(case
            when {{ grain }} = 'month' then {{ dbt.datediff(start, moment, 'month') }}
            else {{ days_between(start, week_start(moment)) }} / 7
        end as int)
{%- endmacro %}
