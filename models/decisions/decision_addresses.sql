-- How each customer can be reached on each channel; a channel without a usable address has no row. The address of a
-- set says only that there is an identifier: `outbox_memberships` knows which. A social post is addressed by itself.
with customers as (

    select
        customer_id,
        email,
        phone,
        first_name,
        last_name,
        address,
        postal_code,
        city,
        country,
        account_id
    from {{ ref('dim_customers') }}

),

push_tokens as (

    select
        customer_id,
        push_token
    from {{ ref('dim_push_tokens') }}

),

external_ids as (

    select
        customer_id,
        external_id
    from {{ ref('dim_external_ids') }}
    where source_system = 'crm'

),

social_posts as (

    select
        post_id,
        network
    from {{ ref('social_posts') }}

),

channels as (

    select distinct channel
    from {{ ref('channel_purposes') }}

)

select
    customer_id,
    'email' as channel,
    email as address
from customers
where email is not null

union all

select
    customer_id,
    'sms' as channel,
    phone as address
from customers
where phone is not null

union all

select
    customer_id,
    'push' as channel,
    push_token as address
from push_tokens

union all

select
    customer_id,
    'mail' as channel,
    concat_ws(', ', concat_ws(' ', first_name, last_name), address, concat_ws(' ', postal_code, city), country)
        as address
from customers
where last_name is not null and address is not null and postal_code is not null and city is not null

union all

select
    customers.customer_id,
    channels.channel,
    coalesce(customers.email, customers.phone) as address
from customers
inner join channels
    on channels.channel in ('ads', 'lists')
where customers.email is not null or customers.phone is not null

union all

select
    external_ids.customer_id,
    channels.channel,
    external_ids.external_id as address
from external_ids
inner join channels
    on channels.channel in ('crm', 'onsite', 'support')

union all

select
    customer_id,
    'task' as channel,
    account_id as address
from customers
where account_id is not null

union all

select
    post_id as customer_id,
    'social' as channel,
    network || ':' || post_id as address
from social_posts
