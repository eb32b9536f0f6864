-- Every row of every campaign of this run is in the decision log, and nobody else is. Anti-joins, because equal
-- counts would also hold where one person is missing and another invented.
with candidates as (
    {% for campaign in campaign_priority() %}
    select
        campaign,
        slot,
        customer_id
    from {{ ref('cmp_' ~ campaign) }}
    where campaign in {{ run_campaigns() }}
    {% if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}
),

decisions as (

    select
        campaign,
        slot,
        customer_id
    from {{ ref('decision_log') }}

)

select
    'missing' as problem,
    candidates.customer_id
from candidates
left join decisions
    on
        candidates.campaign = decisions.campaign
        and candidates.slot = decisions.slot
        and candidates.customer_id = decisions.customer_id
where decisions.customer_id is null

union all

select
    'invented' as problem,
    decisions.customer_id
from decisions
left join candidates
    on
        decisions.campaign = candidates.campaign
        and decisions.slot = candidates.slot
        and decisions.customer_id = candidates.customer_id
where candidates.customer_id is null
