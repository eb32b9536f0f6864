-- What size of its audience is usual for each campaign, by the one expectation there is, and the fall that the campaign
-- called plausible when it last ran.
with usual_days as (

    select
        subject,
        compared_with,
        usual
    from {{ ref('decision_usual_days') }}
    where measure = 'audience_size' and usual is not null

),

runs_before as (

    select
        campaign,
        max_drop_share
    from {{ ref('stg_ledger__campaign_sizes') }}
    where run_rank = 1

)

select
    usual_days.subject as campaign,
    usual_days.compared_with,
    usual_days.usual as usual_people,
    runs_before.max_drop_share
from usual_days
inner join runs_before
    on usual_days.subject = runs_before.campaign
