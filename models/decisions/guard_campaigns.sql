-- Is each campaign of a plausible size? `hold` stops it; `approve` lets it wait for its approver. A campaign whose size
-- swings by design (it enrols on some days, or cuts a batch) states no share, and is not compared with the run before.
with sizes as (

    select
        campaign,
        people_considered,
        people_eligible,
        people_planned,
        approval_above,
        max_people,
        max_drop_share,
        max_growth_share
    from {{ ref('campaign_sizes') }}

),

earlier_sizes as (

    select
        campaign,
        people_eligible,
        max_drop_share
    from {{ ref('stg_ledger__campaign_sizes') }}

),

sizes_compared as (

    select
        sizes.campaign,
        sizes.people_planned,
        sizes.approval_above,
        sizes.max_people,
        -- Without candidates nobody says what is plausible: then what the campaign said when it had some counts.
        case
            when sizes.people_considered = 0 then earlier_sizes.max_drop_share else sizes.max_drop_share
        end as max_drop_share,
        sizes.max_growth_share,
        sizes.people_eligible,
        earlier_sizes.people_eligible as earlier_people,
        cast(sizes.people_eligible - earlier_sizes.people_eligible as double)
        / cast(nullif(earlier_sizes.people_eligible, 0) as double) as change_share
    from sizes
    left join earlier_sizes
        on sizes.campaign = earlier_sizes.campaign

)

select
    campaign,
    'size_absolute' as guard,
    'hold' as consequence,
    cast(people_planned as string) || ' people are planned, at most ' || cast(max_people as string)
    || ' are allowed' as explanation,
    cast(people_planned as double) as measured,
    cast(max_people as double) as limit_value,
    coalesce(people_planned > max_people, false) as is_tripped
from sizes_compared

union all

select
    campaign,
    'size_dropped' as guard,
    'hold' as consequence,
    'the audience fell from ' || cast(earlier_people as string) || ' to ' || cast(people_eligible as string)
    || ' people since the run before' as explanation,
    change_share as measured,
    cast(-1 * max_drop_share as double) as limit_value,
    coalesce(change_share < -1 * max_drop_share, false) as is_tripped
from sizes_compared

union all

select
    campaign,
    'size_grew' as guard,
    'hold' as consequence,
    'the audience grew from ' || cast(earlier_people as string) || ' to ' || cast(people_eligible as string)
    || ' people since the run before' as explanation,
    change_share as measured,
    cast(max_growth_share as double) as limit_value,
    coalesce(change_share > max_growth_share, false) as is_tripped
from sizes_compared

union all

select
    campaign,
    'approval' as guard,
    'approve' as consequence,
    cast(people_planned as string) || ' people are planned; above ' || cast(approval_above as string)
    || ' the approver must agree' as explanation,
    cast(people_planned as double) as measured,
    cast(approval_above as double) as limit_value,
    coalesce(people_planned > approval_above, false) as is_tripped
from sizes_compared
