-- Who is in which experiment, in which arm, since when. Each campaign is one: its own holdout against all whom it would
-- else have reached. The global holdout is another in every quarter: no campaign of the purpose against all of them.
-- By the first assignment, and by assignment alone: who lost to a cap or another campaign after the draw was assigned.
with assignments as (

    select
        message_id,
        run_id,
        campaign,
        customer_id,
        reason,
        purpose,
        as_of
    from {{ ref('stg_ledger__decisions') }}

),

releases as (

    select
        run_id,
        campaign
    from {{ ref('stg_ledger__releases') }}

),

campaign_sizes as (

    select
        run_id,
        campaign,
        holdout_share
    from {{ ref('stg_ledger__campaign_sizes') }}

),

customers_succeeded as (

    select
        earlier_customer_id,
        customer_id
    from {{ ref('int_customers_succeeded') }}

),

global_holdouts as (

    select
        purpose,
        share
    from {{ ref('holdouts') }}
    where holdout = 'global'

),

assignments_kept as (

    select
        assignments.message_id,
        assignments.run_id,
        assignments.campaign,
        assignments.purpose,
        coalesce(customers_succeeded.customer_id, assignments.customer_id) as customer_id,
        coalesce(assignments.reason, '') as reason,
        assignments.as_of
    from assignments
    left join customers_succeeded
        on assignments.customer_id = customers_succeeded.earlier_customer_id
    left join releases
        on
            assignments.run_id = releases.run_id
            and assignments.campaign = releases.campaign
    where releases.run_id is null

),

assignments_by_experiment as (

    select
        'campaign' as kind,
        assignments_kept.campaign as experiment,
        assignments_kept.customer_id,
        assignments_kept.message_id,
        assignments_kept.run_id,
        case when assignments_kept.reason = 'holdout_campaign' then 'holdout' else 'treated' end as arm,
        campaign_sizes.holdout_share,
        assignments_kept.as_of
    from assignments_kept
    left join campaign_sizes
        on
            assignments_kept.run_id = campaign_sizes.run_id
            and assignments_kept.campaign = campaign_sizes.campaign
    -- Who is in the global holdout misses all campaigns: that would be laid at the door of this one.
    where assignments_kept.reason <> 'holdout_global'

    union all

    select
        'global' as kind,
        assignments_kept.purpose || ' in the quarter from '
        || {{ iso_date(dbt.date_trunc('quarter', 'assignments_kept.as_of')) }} as experiment,
        assignments_kept.customer_id,
        assignments_kept.message_id,
        assignments_kept.run_id,
        case when assignments_kept.reason = 'holdout_global' then 'holdout' else 'treated' end as arm,
        global_holdouts.share as holdout_share,
        assignments_kept.as_of
    from assignments_kept
    inner join global_holdouts
        on assignments_kept.purpose = global_holdouts.purpose

),

assignments_ranked as (

    select
        *,
        max(case when arm = 'holdout' or holdout_share > 0 then 1 else 0 end) over (
            partition by kind, experiment
        ) as has_holdout,
        row_number() over (
            partition by kind, experiment, customer_id
            order by as_of asc nulls last, run_id asc nulls last, message_id asc nulls last
        ) as assignment_rank
    from assignments_by_experiment

)

select
    kind,
    experiment,
    customer_id,
    arm,
    cast(holdout_share as double) as holdout_share,
    as_of as assigned_at
from assignments_ranked
where assignment_rank = 1 and has_holdout = 1
