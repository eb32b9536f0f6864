-- Rule 4. Fails where the customer is suppressed on the channel whose wishes count, or on all. What stays in the
-- house (a record, a task about an account) is no contact, and not suppressed. The gravest reason is named.
with candidates as (

    select
        candidate_id,
        campaign,
        customer_id,
        channel,
        purpose
    from {{ ref('decision_candidates') }}

),

channel_purposes as (

    select
        channel,
        purpose,
        coalesce(consent_channel, channel) as asked_channel
    from {{ ref('channel_purposes') }}
    where is_contact

),

suppressions as (

    select
        customer_id,
        channel,
        campaign,
        reason
    from {{ ref('int_suppressions_resolved') }}

)

select
    candidates.candidate_id,
    'suppressed_' || min_by(suppressions.reason, {{ suppression_gravity('suppressions.reason') }}) as reason
from candidates
inner join channel_purposes
    on
        candidates.channel = channel_purposes.channel
        and candidates.purpose = channel_purposes.purpose
inner join suppressions
    on
        candidates.customer_id = suppressions.customer_id
        and suppressions.channel in (channel_purposes.asked_channel, 'all')
        and coalesce(suppressions.campaign, candidates.campaign) = candidates.campaign
group by candidates.candidate_id
