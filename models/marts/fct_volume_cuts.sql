-- The next cuts of each volume batch, where any is ready: exactly `batch_size` sign-ups each, the longest known first,
-- and what is left over once its first has waited `longest_wait_days`. A sign-up that a cut has claimed is never in
-- another; one whose cut was given back waits again, and numbers of cuts are never used twice.
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
        run_id,
        campaign,
        signup_id,
        cut_number
    from {{ ref('stg_ledger__volume_claims') }}

),

releases as (

    select
        run_id,
        campaign
    from {{ ref('stg_ledger__releases') }}

),

signups_claimed as (

    select distinct
        volume_claims.campaign,
        volume_claims.signup_id
    from volume_claims
    left join releases
        on
            volume_claims.run_id = releases.run_id
            and volume_claims.campaign = releases.campaign
    where releases.run_id is null

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
        ) - 1 as signups_before
    from volume_batches
    inner join signups
        on volume_batches.starts_at <= signups.known_at
    left join signups_claimed
        on
            volume_batches.campaign = signups_claimed.campaign
            and signups.signup_id = signups_claimed.signup_id
    where signups_claimed.signup_id is null

),

signups_cut as (

    select
        *,
        cast(floor(signups_before / batch_size) as int) as cuts_before
    from signups_waiting

),

cuts_measured as (

    select
        *,
        count(*) over (partition by campaign, cuts_before) = batch_size as is_full,
        min(known_at) over (partition by campaign, cuts_before) as waiting_since
    from signups_cut

)

select
    cuts_measured.campaign,
    cuts_measured.signup_id,
    cuts_measured.customer_id,
    cast(coalesce(last_cuts.last_cut_number, 0) + cuts_measured.cuts_before + 1 as int) as cut_number,
    cast(cuts_measured.signups_before - cuts_measured.cuts_before * cuts_measured.batch_size + 1 as int) as place,
    cuts_measured.is_full,
    cuts_measured.known_at
from cuts_measured
left join last_cuts
    on cuts_measured.campaign = last_cuts.campaign
where
    cuts_measured.is_full
    or {{ days_after('cuts_measured.waiting_since', 'cuts_measured.longest_wait_days') }} <= {{ as_of() }}
