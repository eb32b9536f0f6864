-- The next cut of each volume batch, where one is ready: exactly `batch_size` sign-ups, the longest known first, or all
-- there are once the first has waited `longest_wait_days`. A sign-up that a cut has claimed is never in another; one
-- whose cut was given back waits again, and numbers of cuts are never used twice.
with volume_batches as (

    select
        campaign,
        batch_size,
        longest_wait_days,
        starts_at
    from {{ ref('volume_batches') }}

),

signups as (

    select
        signup_id,
        customer_id,
        known_at
    from {{ ref('fct_signups') }}

),

volume_claims as (

    select
        campaign,
        signup_id,
        cut_number,
        is_released
    from {{ ref('stg_ledger__volume_claims') }}

),

signups_claimed as (

    select distinct
        campaign,
        signup_id
    from volume_claims
    where not is_released

),

last_cuts as (

    select
        campaign,
        max(cut_number) as last_cut_number
    from volume_claims
    group by campaign

),

signups_waiting as (

    select
        volume_batches.campaign,
        volume_batches.batch_size,
        volume_batches.longest_wait_days,
        signups.signup_id,
        signups.customer_id,
        signups.known_at,
        row_number() over (
            partition by volume_batches.campaign
            order by signups.known_at asc nulls last, signups.signup_id asc nulls last
        ) as place,
        count(*) over (partition by volume_batches.campaign) as waiting_count,
        min(signups.known_at) over (partition by volume_batches.campaign) as waiting_since
    from volume_batches
    inner join signups
        on signups.known_at >= volume_batches.starts_at
    left join signups_claimed
        on
            volume_batches.campaign = signups_claimed.campaign
            and signups.signup_id = signups_claimed.signup_id
    where signups_claimed.signup_id is null

)

select
    signups_waiting.campaign,
    signups_waiting.signup_id,
    signups_waiting.customer_id,
    cast(coalesce(last_cuts.last_cut_number, 0) + 1 as int) as cut_number,
    cast(signups_waiting.place as int) as place,
    signups_waiting.waiting_count >= signups_waiting.batch_size as is_full,
    signups_waiting.known_at
from signups_waiting
left join last_cuts
    on signups_waiting.campaign = last_cuts.campaign
where
    signups_waiting.place <= signups_waiting.batch_size
    and (
        signups_waiting.waiting_count >= signups_waiting.batch_size
        or {{ days_after('signups_waiting.waiting_since', 'signups_waiting.longest_wait_days') }} <= {{ as_of() }}
    )
