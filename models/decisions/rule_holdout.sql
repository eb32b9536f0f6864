-- Rule 6. Of those who would otherwise have qualified up to here: who is left alone to measure against.
-- Stable: a digest of a salt and the golden id. The global holdout is asked before the campaign's own.
with candidates as (

    select
        message_id,
        campaign,
        customer_id,
        purpose,
        holdout_share
    from {{ ref('decision_candidates') }}

),

eligibility as (

    select message_id
    from {{ ref('decision_eligibility') }}
    where reasons is null

),

global_holdouts as (

    select
        purpose,
        salt,
        share
    from {{ ref('holdouts') }}
    where holdout = 'global'

),

candidates_drawn as (

    select
        candidates.message_id,
        coalesce(
            {{ md5_bucket("'global|' || global_holdouts.salt || '|' || candidates.customer_id") }}
            < global_holdouts.share * 10000,
            false
        ) as is_held_out_globally,
        {{ md5_bucket("candidates.campaign || '|holdout|' || candidates.customer_id") }}
        < candidates.holdout_share * 10000 as is_held_out_by_campaign
    from candidates
    inner join eligibility
        on candidates.message_id = eligibility.message_id
    left join global_holdouts
        on candidates.purpose = global_holdouts.purpose

)

select
    message_id,
    case when is_held_out_globally then 'holdout_global' else 'holdout_campaign' end as reason
from candidates_drawn
where is_held_out_globally or is_held_out_by_campaign
