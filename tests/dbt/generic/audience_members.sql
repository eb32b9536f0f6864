{#-
    Whoever is in an audience is a golden customer, once, and the audience says which it is and why it has the person:
    the promises of every audience in one look at the table.
-#}
{% test audience_members(model) %}
with members as (

    select
        audience,
        customer_id,
        qualified_by,
        count(*) over (partition by customer_id) as row_count
    from {{ model }}

),

customers as (

    select customer_id
    from {{ ref('dim_customers') }}

)

select
    case
        when members.customer_id is null then 'customer_id is null'
        when members.audience is null then 'audience is null'
        when members.qualified_by is null then 'qualified_by is null'
        when members.row_count > 1 then 'customer_id is repeated'
        else 'customer_id is nobody in dim_customers'
    end as violation
from members
left join customers
    on members.customer_id = customers.customer_id
where
    members.customer_id is null
    or members.audience is null
    or members.qualified_by is null
    or members.row_count > 1
    or customers.customer_id is null
{% endtest %}
