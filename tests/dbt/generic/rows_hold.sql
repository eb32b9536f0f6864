{#-
    Every row keeps every rule: `rules` is {name: condition}, each in the table's own columns; neither false nor null
    will do. Says of each row that breaks one the first rule that it broke, and never a value of the row.
-#}
{% test rows_hold(model, rules) %}
with rows_judged as (

    select
        case
            {%- for name, rule in rules.items() %}
            when not coalesce({{ rule }}, false) then '{{ name }}'
            {%- endfor %}
        end as broken_rule
    from {{ model }}

)

select
    broken_rule,
    count(*) as row_count
from rows_judged
where broken_rule is not null
group by broken_rule
{% endtest %}
