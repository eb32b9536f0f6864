-- Is each campaign of a plausible size? `hold` stops it; `approve` lets it wait for its approver.
with sizes as (

    select
        campaign,
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
        people_eligible
    from {{ ref('stg_ledger__campaign_sizes') }}

),

sizes_compared as (

    select
        sizes.campaign,
        sizes.people_planned,
        sizes.approval_above,
        sizes.max_people,
        coalesce(sizes.max_drop_share, 0.6) as max_drop_share,
        coalesce(sizes.max_growth_share, 2.0) as max_growth_share,
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
