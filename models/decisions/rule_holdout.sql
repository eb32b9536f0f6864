-- Rule 6. Of those who would otherwise have qualified up to here: who is left alone to measure against.
-- Stable: a digest of a salt and the golden id. The global holdout is asked before the campaign's own; one that
-- rotates by quarter draws anew on the first day of each.
with candidates as (

    select
        candidate_id,
        campaign,
        customer_id,
        purpose,
        holdout_share
    from {{ ref('decision_candidates') }}

),

eligibility as (

    select candidate_id
    from {{ ref('decision_eligibility') }}
    where reasons is null

),

global_holdouts as (

    select
        purpose,
        share,
        salt || case
            when rotates = 'quarterly'
                then '|' || cast(cast({{ dbt.date_trunc('quarter', as_of()) }} as date) as string)
            else ''
        end as draw
    from {{ ref('holdouts') }}
    where holdout = 'global'

),

candidates_drawn as (

    select
        candidates.candidate_id,
        coalesce(
            {{ md5_bucket("'global|' || global_holdouts.draw || '|' || candidates.customer_id") }}
            < global_holdouts.share * 10000,
            false
        ) as is_held_out_globally,
        {{ md5_bucket("candidates.campaign || '|holdout|' || candidates.customer_id") }}
        < candidates.holdout_share * 10000 as is_held_out_by_campaign
    from candidates
    inner join eligibility
        on candidates.candidate_id = eligibility.candidate_id
    left join global_holdouts
        on candidates.purpose = global_holdouts.purpose
    where candidates.holdout_share > 0 or global_holdouts.share > 0

)

select
    candidate_id,
    case when is_held_out_globally then 'holdout_global' else 'holdout_campaign' end as reason
from candidates_drawn
where is_held_out_globally or is_held_out_by_campaign
