-- Who is suppressed on which channel, for one campaign or for all, and the gravest reason. Suppressed on `all` means
-- on every channel.
with suppressions as (

    select
        kind,
        contact_point,
        channel,
        campaign,
        reason,
        suppressed_at
    from {{ ref('int_suppressions_collected') }}

),

contact_points as (

    select
        customer_id,
        kind,
        contact_point
    from {{ ref('int_contact_points_mapped') }}

),

customers_succeeded as (

    select
        earlier_customer_id,
        customer_id
    from {{ ref('int_customers_succeeded') }}

),

-- A provider often names only the message: then the person is whom we sent it to.
receipts as (

    select distinct
        message_id,
        customer_id
    from {{ ref('stg_ledger__receipts') }}

),

contacts_suppressed as (

    select
        contact_points.customer_id,
        suppressions.channel,
        suppressions.campaign,
        suppressions.reason,
        suppressions.suppressed_at
    from suppressions
    inner join contact_points
        on
            suppressions.kind = contact_points.kind
            and suppressions.contact_point = contact_points.contact_point

    union all

    select
        coalesce(customers_succeeded.customer_id, receipts.customer_id) as customer_id,
        suppressions.channel,
        suppressions.campaign,
        suppressions.reason,
        suppressions.suppressed_at
    from suppressions
    inner join receipts
        on suppressions.contact_point = receipts.message_id
    left join customers_succeeded
        on receipts.customer_id = customers_succeeded.earlier_customer_id
    where suppressions.kind = 'message'

),

reasons_ranked as (

    select
        customer_id,
        channel,
        campaign,
        reason,
        suppressed_at,
        row_number() over (
            partition by customer_id, channel, campaign
            order by
                {{ suppression_gravity('reason') }} asc nulls last,
                suppressed_at asc nulls last
        ) as reason_rank
    from contacts_suppressed

)

select
    customer_id,
    channel,
    campaign,
    reason,
    suppressed_at
from reasons_ranked
where reason_rank = 1
