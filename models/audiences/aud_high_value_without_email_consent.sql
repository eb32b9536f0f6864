{%- set lapsed_after_days = 60 %}

with customers as (

    select
        customer_id,
        value_tier,
        rfm_segment,
        {{ days_between('last_ordered_at', as_of()) }} as days_since_order,
        last_ordered_at
    from {{ ref('dim_customers') }}
    where address is not null and postal_code is not null and city is not null

),

email_consents as (

    select customer_id
    from {{ ref('dim_consents') }}
    where channel = 'email' and purpose = 'marketing' and is_granted

)

select
    'high_value_without_email_consent' as audience,
    customer_id,
    case
        when value_tier in ('vip', 'high') then 'value tier ' || value_tier
        else 'RFM segment ' || rfm_segment
    end || ', last order ' || cast(days_since_order as string) || ' days ago' as qualified_by,
    last_ordered_at as qualified_at
from customers
where
    (value_tier in ('vip', 'high') or rfm_segment in ('cannot_lose', 'at_risk'))
    and days_since_order >= {{ lapsed_after_days }}
    and not exists (
        select 1
        from email_consents
        where email_consents.customer_id = customers.customer_id
    )
