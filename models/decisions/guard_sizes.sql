-- Is each campaign of a plausible size? `hold` stops it; `approve` lets it wait for its approver. A campaign whose size
-- swings by design (it enrols on some days, or cuts a batch) states no share, and is not compared with other days.
with sizes as (

    select
        campaign,
        channel,
        purpose,
        people_considered,
        people_eligible,
        people_planned,
        approval_above,
        min_people,
        max_people,
        max_drop_share,
        max_growth_share,
        max_base_share
    from {{ ref('campaign_sizes') }}

),

earlier_sizes as (

    select
        campaign,
        compared_with,
        usual_people,
        max_drop_share
    from {{ ref('decision_earlier_sizes') }}

),

bases as (

    select
        channel,
        purpose,
        people_contactable
    from {{ ref('decision_contactable_bases') }}

),

sizes_compared as (

    select
        sizes.campaign,
        sizes.people_planned,
        sizes.people_eligible,
        sizes.approval_above,
        sizes.min_people,
        sizes.max_people,
        -- Without candidates nobody says what is plausible: then what the campaign said when it had some counts.
        case
            when sizes.people_considered = 0 then earlier_sizes.max_drop_share else sizes.max_drop_share
        end as max_drop_share,
        sizes.max_growth_share,
        sizes.max_base_share,
        ' from ' || cast(cast(round(earlier_sizes.usual_people) as bigint) as string) || ' people ('
        || earlier_sizes.compared_with || ') to ' || cast(sizes.people_eligible as string) as changed_how,
        (cast(sizes.people_eligible as double) - earlier_sizes.usual_people)
        / nullif(earlier_sizes.usual_people, 0) as change_share,
        bases.people_contactable,
        cast(sizes.people_planned as double) / cast(nullif(bases.people_contactable, 0) as double) as base_share
    from sizes
    left join earlier_sizes
        on sizes.campaign = earlier_sizes.campaign
    left join bases
        on
            sizes.channel = bases.channel
            and sizes.purpose = bases.purpose

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
    'size_minimum' as guard,
    'hold' as consequence,
    'the audience has ' || cast(people_eligible as string) || ' people, fewer than ' || cast(min_people as string)
    || ' are not plausible' as explanation,
    cast(people_eligible as double) as measured,
    cast(min_people as double) as limit_value,
    coalesce(people_eligible < min_people, false) as is_tripped
from sizes_compared

union all

select
    campaign,
    'size_dropped' as guard,
    'hold' as consequence,
    'the audience fell' || changed_how as explanation,
    change_share as measured,
    cast(-1 * max_drop_share as double) as limit_value,
    coalesce(change_share < -1 * max_drop_share, false) as is_tripped
from sizes_compared

union all

select
    campaign,
    'size_grew' as guard,
    'hold' as consequence,
    'the audience grew' || changed_how as explanation,
    change_share as measured,
    cast(max_growth_share as double) as limit_value,
    coalesce(change_share > max_growth_share, false) as is_tripped
from sizes_compared

union all

select
    campaign,
    'share_of_base' as guard,
    'hold' as consequence,
    cast(people_planned as string) || ' of the ' || cast(people_contactable as string)
    || ' people whom the channel reaches are planned, at most a share of ' || cast(max_base_share as string)
    || ' is allowed' as explanation,
    base_share as measured,
    cast(max_base_share as double) as limit_value,
    coalesce(base_share > max_base_share, false) as is_tripped
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
