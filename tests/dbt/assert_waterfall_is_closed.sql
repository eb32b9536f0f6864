-- Every row of every campaign of this run is in the decision log, and nobody else is: by campaign, slot, step, set and
-- person. Both ways, because equal counts would also hold where one person is missing and another invented; and
-- counted, because a row that came twice would hide behind its twin.
with rows_counted as (
    {% for campaign in campaign_priority() %}
    select
        campaign,
        slot,
        customer_id,
        destination,
        audience_name,
        step,
        1 as candidate_count,
        0 as decision_count
    from {{ ref('cmp_' ~ campaign) }}
    where campaign in {{ run_campaigns() }}

    union all
    {% endfor %}
    select
        campaign,
        slot,
        customer_id,
        destination,
        audience_name,
        step,
        0 as candidate_count,
        1 as decision_count
    from {{ ref('decision_log') }}

)

select
    campaign,
    slot,
    customer_id,
    destination,
    audience_name,
    step,
    sum(candidate_count) as candidate_count,
    sum(decision_count) as decision_count
from rows_counted
group by campaign, slot, customer_id, destination, audience_name, step
having sum(candidate_count) <> 1 or sum(decision_count) <> 1
