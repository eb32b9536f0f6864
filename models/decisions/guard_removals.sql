-- Would too many people leave a set at once, by number and by share of who is there? Then their removals alone are
-- held. An approval lets through as many as it names, in the next run of the campaign and in no later one.
with removals as (

    select
        campaign,
        destination,
        audience,
        count(distinct customer_id) as people_leaving
    from {{ ref('decision_removals') }}
    where may_be_held
    group by campaign, destination, audience

),

memberships as (

    select
        campaign,
        destination,
        audience,
        count(distinct customer_id) as people_there
    from {{ ref('decision_memberships') }}
    group by campaign, destination, audience

),

limits as (

    select
        max(held_above_people) as held_above_people,
        max(held_above_share) as held_above_share
    from {{ ref('removal_limits') }}

),

latest_runs as (

    select
        campaign,
        run_id
    from {{ ref('stg_ledger__campaign_sizes') }}
    where run_rank = 1

),

approvals as (

    select
        run_id,
        campaign,
        destination,
        audience,
        up_to
    from {{ ref('stg_ledger__removal_approvals') }}

),

approvals_in_force as (

    select
        approvals.campaign,
        approvals.destination,
        approvals.audience,
        approvals.up_to
    from approvals
    inner join latest_runs
        on
            approvals.campaign = latest_runs.campaign
            and approvals.run_id = latest_runs.run_id

),

sets_measured as (

    select
        removals.campaign,
        removals.destination,
        removals.audience,
        removals.people_leaving,
        memberships.people_there,
        approvals_in_force.up_to,
        greatest(
            cast(limits.held_above_people as double),
            cast(limits.held_above_share as double) * cast(memberships.people_there as double)
        ) as people_allowed
    from removals
    inner join memberships
        on
            removals.campaign = memberships.campaign
            and removals.destination = memberships.destination
            and removals.audience = memberships.audience
    left join approvals_in_force
        on
            removals.campaign = approvals_in_force.campaign
            and removals.destination = approvals_in_force.destination
            and removals.audience = approvals_in_force.audience
    cross join limits

)

select
    campaign,
    destination,
    audience,
    'hold_removals' as consequence,
    cast(people_leaving as string) || ' of the ' || cast(people_there as string) || ' people in ' || audience || ' of '
    || destination || ' no longer belong to it; more than ' || cast(cast(floor(people_allowed) as bigint) as string)
    || coalesce(', and more than the ' || cast(up_to as string) || ' approved,', '')
    || ' at once are held, all other changes go on: look, muster approve --removals, then run the campaign again'
        as explanation,
    cast(people_leaving as bigint) as people_leaving,
    cast(people_there as bigint) as people_there,
    up_to as approved_up_to,
    people_allowed as limit_value,
    coalesce(people_leaving > people_allowed and people_leaving > coalesce(up_to, 0), false) as is_tripped
from sets_measured
