-- A sign-up is in one cut of a campaign: what this run claims and what earlier runs claimed and have not given back do
-- not meet. A second welcome to the same person is what this would be.
with claims as (

    select
        volume_claims.campaign,
        volume_claims.signup_id,
        volume_claims.cut_number
    from {{ ref('stg_ledger__volume_claims') }} as volume_claims
    left join {{ ref('stg_ledger__releases') }} as releases
        on
            volume_claims.run_id = releases.run_id
            and volume_claims.campaign = releases.campaign
    where releases.run_id is null

    union all

    select
        campaign,
        signup_id,
        cut_number
    from {{ ref('volume_claims') }}

)

select
    campaign,
    signup_id,
    count(*) as claim_count,
    min(cut_number) as first_cut_number,
    max(cut_number) as last_cut_number
from claims
group by campaign, signup_id
having count(*) > 1
