-- How many people each campaign of this run is about, at each stage. Also of those that found nobody.
{%- set names = run_value('campaigns') or campaign_priority() %}

with campaigns as (
    {% for name in names %}
    select '{{ name }}' as campaign
    {% if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}
),

candidates as (

    select
        campaign,
        slot,
        customer_id,
        exclusion_reasons,
        channel,
        purpose,
        approval_above,
        max_people,
        holdout_share,
        max_drop_share,
        max_growth_share
    from {{ ref('decision_candidates') }}

),

campaign_guards as (

    select
        campaign,
        min_people,
        max_base_share
    from {{ ref('campaign_guards') }}

),

outbox_messages as (

    select
        campaign,
        customer_id
    from {{ ref('outbox_messages') }}

),

outbox_memberships as (

    select
        campaign,
        customer_id
    from {{ ref('outbox_memberships') }}

),

candidates_counted as (

    select
        campaign,
        max(slot) as slot,
        max(channel) as channel,
        max(purpose) as purpose,
        count(distinct customer_id) as people_considered,
        count(distinct case when exclusion_reasons is null then customer_id end) as people_eligible,
        max(approval_above) as approval_above,
        max(max_people) as max_people,
        max(holdout_share) as holdout_share,
        max(max_drop_share) as max_drop_share,
        max(max_growth_share) as max_growth_share
    from candidates
    group by campaign

),

outboxes_counted as (

    select
        campaign,
        count(distinct customer_id) as people_planned
    from (
        select * from outbox_messages
        union all
        select * from outbox_memberships
    ) as outboxes
    group by campaign

)

select
    campaigns.campaign,
    candidates_counted.slot,
    candidates_counted.channel,
    candidates_counted.purpose,
    cast(coalesce(candidates_counted.people_considered, 0) as bigint) as people_considered,
    cast(coalesce(candidates_counted.people_eligible, 0) as bigint) as people_eligible,
    cast(coalesce(outboxes_counted.people_planned, 0) as bigint) as people_planned,
    candidates_counted.approval_above,
    campaign_guards.min_people,
    candidates_counted.max_people,
    candidates_counted.holdout_share,
    candidates_counted.max_drop_share,
    candidates_counted.max_growth_share,
    campaign_guards.max_base_share
from campaigns
left join candidates_counted
    on campaigns.campaign = candidates_counted.campaign
left join outboxes_counted
    on campaigns.campaign = outboxes_counted.campaign
left join campaign_guards
    on campaigns.campaign = campaign_guards.campaign
