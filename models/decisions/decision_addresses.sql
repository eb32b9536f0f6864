-- How each customer can be reached on each channel; a channel without a usable address has no row.
with customers as (

    select
        customer_id,
        email,
        phone,
        time_zone
    from {{ ref('dim_customers') }}

)

select
    customer_id,
    'email' as channel,
    email as address,
    time_zone
from customers
where email is not null

union all

select
    customer_id,
    'sms' as channel,
    phone as address,
    time_zone
from customers
where phone is not null

union all

select
    customer_id,
    'ads' as channel,
    coalesce(email, phone) as address,
    time_zone
from customers
where email is not null or phone is not null
