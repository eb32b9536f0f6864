-- What speaks against a message, dated twice: when it happened, and when we came to know. Wishes not to be contacted,
-- purchases, and whole refunds.
with opt_outs as (

    select
        kind,
        contact_point,
        channel,
        purpose,
        campaign,
        stated_at,
        taken_back_at,
        known_at
    from {{ ref('int_opt_outs_dated') }}

),

contact_points as (

    select
        customer_id,
        kind,
        contact_point
    from {{ ref('int_contact_points_mapped') }}

),

sends as (

    select
        send_id,
        customer_id
    from {{ ref('int_sends_collected') }}
    where origin = 'muster' and customer_id is not null

),

orders as (

    select
        order_id,
        profile_id,
        gross_amount - discount_amount as paid_amount,
        ordered_at,
        first_loaded_at
    from {{ ref('stg_shop__orders') }}
    where status not in ('cancelled', 'returned')

),

refunds as (

    select
        refund_id,
        order_id,
        amount,
        refunded_at,
        first_loaded_at
    from {{ ref('stg_shop__refunds') }}

),

people as (

    select
        customer_id,
        kind,
        contact_point
    from contact_points

    union all

    select
        customer_id,
        'message' as kind,
        send_id as contact_point
    from sends

),

facts as (

    select
        people.customer_id,
        'opt_out' as fact,
        opt_outs.channel,
        opt_outs.purpose,
        opt_outs.campaign,
        opt_outs.stated_at as happened_at,
        opt_outs.taken_back_at,
        opt_outs.known_at
    from opt_outs
    inner join people
        on
            opt_outs.kind = people.kind
            and opt_outs.contact_point = people.contact_point
    {%- for fact, happened_at, amount in [('purchase', 'ordered_at', none), ('refund', 'refunded_at', 'amount')] %}

    union all

    select
        people.customer_id,
        '{{ fact }}' as fact,
        cast(null as string) as channel,
        cast(null as string) as purpose,
        cast(null as string) as campaign,
        {{ 'refunds' if amount else 'orders' }}.{{ happened_at }} as happened_at,
        cast(null as timestamp) as taken_back_at,
        {{ 'refunds' if amount else 'orders' }}.first_loaded_at as known_at
    from orders
    inner join people
        on
            people.kind = 'profile'
            and orders.profile_id = people.contact_point
    {%- if amount %}
    inner join refunds
        on
            orders.order_id = refunds.order_id
            and orders.paid_amount <= refunds.amount
    {%- endif %}
    {%- endfor %}

)

select
    customer_id,
    fact,
    channel,
    purpose,
    campaign,
    happened_at,
    max(taken_back_at) as taken_back_at,
    min(known_at) as known_at
from facts
group by customer_id, fact, channel, purpose, campaign, happened_at
