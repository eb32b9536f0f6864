{%- set silent_after_days = 60 %}
{%- set fallen_to_share = 0.5 %}
{%- set fallen_from_orders = 2 %}

with account_health as (

    select
        account_id,
        customer_id,
        order_count_30_days,
        order_count_30_days_before,
        open_high_ticket_count,
        last_touch_at
    from {{ ref('fct_account_health') }}

),

risks as (

    select
        account_id,
        customer_id,
        order_count_30_days,
        order_count_30_days_before,
        last_touch_at is null
        or last_touch_at < {{ days_before(as_of(), silent_after_days) }} as is_silent,
        open_high_ticket_count > 0 as has_grave_ticket,
        order_count_30_days_before >= {{ fallen_from_orders }}
        and order_count_30_days <= {{ fallen_to_share }} * order_count_30_days_before as has_fallen,
        last_touch_at
    from account_health

)

select
    'accounts_at_risk' as audience,
    customer_id,
    'account ' || account_id || ': ' || concat_ws(
        ', ',
        case when is_silent then 'no touch in {{ silent_after_days }} days' end,
        case when has_grave_ticket then 'open ticket of high severity' end,
        case
            when has_fallen
                then
                    'orders fell from ' || cast(order_count_30_days_before as string)
                    || ' to ' || cast(order_count_30_days as string)
        end
    ) as qualified_by,
    last_touch_at as qualified_at
from risks
where is_silent or has_grave_ticket or has_fallen
