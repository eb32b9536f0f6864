-- Messages and members of sets that would not have been sent with what is known now: the person had opted out, had just
-- bought, or had been paid back everything, before the attempt, and we came to know after the decision. Each attempt
-- once, for the gravest of these.
{%- set purchase_within_days = 7 %}
{%- set refund_within_days = 30 %}

with attempts as (

    select
        attempt_id,
        run_id,
        customer_id,
        kind,
        campaign,
        slot,
        channel,
        destination,
        purpose,
        audience,
        decided_at,
        attempted_at,
        removed_at
    from {{ ref('int_attempts_collected') }}

),

late_facts as (

    select
        customer_id,
        fact,
        channel,
        purpose,
        campaign,
        happened_at,
        taken_back_at,
        known_at
    from {{ ref('fct_late_facts') }}

),

channel_purposes as (

    select
        channel,
        purpose,
        consent_channel,
        consent_purpose,
        is_contact
    from {{ ref('channel_purposes') }}

),

-- A purchase speaks against campaigns alone that are not for whoever has just bought; a refund, against any message.
reasons as (

    select
        attempts.*,
        late_facts.fact,
        late_facts.happened_at,
        late_facts.known_at,
        row_number() over (
            partition by attempts.attempt_id, attempts.run_id
            order by
                late_facts.fact asc nulls last, late_facts.happened_at desc nulls last,
                late_facts.known_at asc nulls last
        ) as reason_rank
    from attempts
    inner join channel_purposes
        on
            attempts.channel = channel_purposes.channel
            and attempts.purpose = channel_purposes.purpose
    inner join late_facts
        on
            attempts.customer_id = late_facts.customer_id
            and attempts.attempted_at >= late_facts.happened_at
            and attempts.decided_at <= late_facts.known_at
    where
        (
            late_facts.fact = 'opt_out'
            and coalesce(late_facts.taken_back_at > attempts.attempted_at, true)
            and coalesce(late_facts.campaign, attempts.campaign) = attempts.campaign
            and (
                (
                    late_facts.channel = channel_purposes.consent_channel
                    and late_facts.purpose = channel_purposes.consent_purpose
                )
                or (
                    late_facts.purpose is null
                    and channel_purposes.is_contact
                    and late_facts.channel in (coalesce(channel_purposes.consent_channel, attempts.channel), 'all')
                )
            )
        )
        or (
            late_facts.fact = 'purchase'
            and attempts.campaign in {{ campaigns_void_after_purchase() }}
            and late_facts.happened_at > {{ days_before('attempts.attempted_at', purchase_within_days) }}
        )
        or (
            late_facts.fact = 'refund'
            and attempts.kind = 'message'
            and channel_purposes.is_contact
            and late_facts.happened_at > {{ days_before('attempts.attempted_at', refund_within_days) }}
        )

)

select
    attempt_id,
    run_id,
    customer_id,
    kind,
    campaign,
    slot,
    channel,
    destination,
    audience,
    fact as reason,
    cast({{ dbt.datediff('decided_at', 'known_at', 'hour') }} as int) as hours_late,
    removed_at is not null as is_withdrawn,
    decided_at,
    attempted_at,
    happened_at,
    known_at,
    removed_at
from reasons
where reason_rank = 1
