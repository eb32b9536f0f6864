-- Who is held out of what, from when until when: of a campaign from the draw to the end of the window in which its lift
-- is measured, by the latest draw; of all campaigns of a purpose to the end of the quarter.
with assignments as (

    select
        campaign,
        customer_id,
        reason,
        purpose,
        as_of
    from {{ ref('stg_ledger__decisions') }}
    where verdict = 'holdout'

),

customers_succeeded as (

    select
        earlier_customer_id,
        customer_id
    from {{ ref('int_customers_succeeded') }}

),

windows as (

    select
        experiment,
        outcome_days
    from {{ ref('lift_windows') }}

),

holdouts as (

    select
        assignments.campaign,
        coalesce(customers_succeeded.customer_id, assignments.customer_id) as customer_id,
        assignments.reason,
        assignments.purpose,
        coalesce(own_windows.outcome_days, windows.outcome_days) as outcome_days,
        cast({{ dbt.date_trunc('quarter', 'assignments.as_of') }} as timestamp) as quarter,
        assignments.as_of
    from assignments
    inner join windows
        on windows.experiment = 'every'
    left join windows as own_windows
        on assignments.campaign = own_windows.experiment
    left join customers_succeeded
        on assignments.customer_id = customers_succeeded.earlier_customer_id

)

select
    'campaign' as kind,
    campaign,
    customer_id,
    max(purpose) as purpose,
    min(as_of) as held_from,
    {{ days_after('max(as_of)', 'max(outcome_days)') }} as held_until
from holdouts
where reason = 'holdout_campaign'
group by campaign, customer_id

union all

select
    'global' as kind,
    cast(null as string) as campaign,
    customer_id,
    purpose,
    min(as_of) as held_from,
    cast({{ dbt.dateadd('month', 3, 'quarter') }} as timestamp) as held_until
from holdouts
where reason = 'holdout_global'
group by purpose, customer_id, quarter
