-- The sign-ups that this run takes for its cuts. Frozen with the run, so that no other cut takes them again.
with volume_cuts as (

    select
        campaign,
        cut_number,
        signup_id,
        customer_id
    from {{ ref('fct_volume_cuts') }}

),

candidates as (

    select distinct campaign
    from {{ ref('decision_candidates') }}

)

select
    volume_cuts.campaign,
    volume_cuts.cut_number,
    volume_cuts.signup_id,
    volume_cuts.customer_id
from volume_cuts
inner join candidates
    on volume_cuts.campaign = candidates.campaign
