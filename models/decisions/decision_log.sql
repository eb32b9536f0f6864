-- One row per campaign, slot, step and candidate: what was decided, and why. See the docs block.
with candidates as (

    select *
    from {{ ref('decision_candidates') }}

),

eligibility as (

    select
        message_id,
        reasons
    from {{ ref('decision_eligibility') }}

),

held_out as (

    select
        message_id,
        reason
    from {{ ref('rule_holdout') }}

),

capped as (

    select message_id
    from {{ ref('rule_frequency_cap') }}
    where is_capped

    union all

    select message_id
    from {{ ref('rule_cap_allocation') }}

),

losers as (

    select
        message_id,
        reason,
        lost_to
    from {{ ref('rule_priority') }}

),

addresses as (

    select
        customer_id,
        channel,
        time_zone
    from {{ ref('decision_addresses') }}

),

send_times as (

    select
        time_zone,
        quiet_hours_class,
        scheduled_at,
        send_not_before
    from {{ ref('decision_send_times') }}

),

templates as (

    select
        template,
        message_version
    from {{ ref('stg_muster__templates') }}

),

candidates_judged as (

    select
        candidates.*,
        templates.message_version,
        losers.lost_to,
        coalesce(send_times.send_not_before, candidates.scheduled_at) as send_not_before,
        coalesce(
            eligibility.reasons,
            held_out.reason,
            case when capped.message_id is not null then 'frequency_cap' end,
            losers.reason,
            case
                when coalesce(send_times.send_not_before, candidates.scheduled_at) >= candidates.expires_at
                    then 'expires_before_send'
            end
        ) as reasons
    from candidates
    inner join eligibility
        on candidates.message_id = eligibility.message_id
    left join held_out
        on candidates.message_id = held_out.message_id
    left join capped
        on candidates.message_id = capped.message_id
    left join losers
        on candidates.message_id = losers.message_id
    left join addresses
        on
            candidates.customer_id = addresses.customer_id
            and candidates.channel = addresses.channel
    left join send_times
        on
            coalesce(addresses.time_zone, 'unknown') = send_times.time_zone
            and candidates.quiet_hours_class = send_times.quiet_hours_class
            and candidates.scheduled_at = send_times.scheduled_at
    left join templates
        on candidates.template = templates.template

)

select
    message_id,
    campaign,
    slot,
    customer_id,
    case
        when reasons is null then 'send'
        when reasons in ('holdout_global', 'holdout_campaign') then 'holdout'
        when reasons = 'expires_before_send' then 'defer'
        when reasons = 'frequency_cap' and on_cap = 'defer' then 'defer'
        else 'exclude'
    end as verdict,
    split_part(reasons, ',', 1) as reason,
    reasons,
    lost_to,
    qualified_by,
    channel,
    destination,
    audience_name,
    purpose,
    cap_class,
    template,
    message_version,
    variant,
    offer,
    fields,
    step,
    priority,
    excludes_recent_purchasers,
    send_not_before,
    expires_at
from candidates_judged
