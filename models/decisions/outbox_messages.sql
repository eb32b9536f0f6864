-- What is to be sent, once. `position` is the place in the frozen file: delivery reads it by ranges. A campaign with a
-- canary sends to so many people first, those whose hour comes first and of them in the order of a digest (wave 0); the
-- rest (wave 1) waits until it was seen how that went. Without a canary all are of wave 0.
with decisions as (

    select *
    from {{ ref('decision_log') }}
    where verdict = 'send' and audience_name is null

),

addresses as (

    select
        customer_id,
        channel,
        address
    from {{ ref('decision_addresses') }}

),

campaign_guards as (

    select
        campaign,
        canary_people
    from {{ ref('campaign_guards') }}
    where canary_people is not null

),

people_ranked as (

    select
        decisions.message_id,
        campaign_guards.canary_people,
        row_number() over (
            partition by decisions.campaign
            order by decisions.send_not_before asc nulls last, decisions.message_id asc nulls last
        ) as canary_rank
    from decisions
    inner join campaign_guards
        on decisions.campaign = campaign_guards.campaign

),

waves as (

    select
        message_id,
        1 as wave
    from people_ranked
    where canary_rank > canary_people

)

select
    cast(row_number() over (
        order by
            decisions.campaign asc nulls last, waves.wave asc nulls first, decisions.step asc nulls last,
            decisions.template asc nulls last, decisions.send_not_before asc nulls last,
            decisions.message_id asc nulls last
    ) - 1 as bigint) as position,
    decisions.message_id,
    decisions.campaign,
    decisions.slot,
    decisions.customer_id,
    decisions.channel,
    decisions.destination,
    addresses.address,
    decisions.purpose,
    decisions.cap_class,
    decisions.template,
    decisions.message_version,
    decisions.variant,
    decisions.offer,
    decisions.fields,
    coalesce(waves.wave, 0) as wave,
    decisions.step,
    decisions.priority,
    decisions.excludes_recent_purchasers,
    decisions.send_not_before,
    decisions.expires_at
from decisions
inner join addresses
    on
        decisions.customer_id = addresses.customer_id
        and decisions.channel = addresses.channel
left join waves
    on decisions.message_id = waves.message_id
