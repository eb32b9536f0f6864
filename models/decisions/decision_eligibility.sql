-- Rules 1 to 5 together: the reasons for which each candidate fails, in the fixed order.
with candidates as (

    select
        candidate_id,
        exclusion_reasons
    from {{ ref('decision_candidates') }}

),

outside_markets as (

    select
        candidate_id,
        reason
    from {{ ref('rule_market') }}

),

without_content as (

    select
        candidate_id,
        reason
    from {{ ref('rule_content') }}

),

unreachable as (

    select
        candidate_id,
        reason
    from {{ ref('rule_reachable') }}

),

without_consent as (

    select
        candidate_id,
        reason
    from {{ ref('rule_consent') }}

),

suppressed as (

    select
        candidate_id,
        reason
    from {{ ref('rule_suppression') }}

),

re_entering as (

    select
        candidate_id,
        reason
    from {{ ref('rule_re_entry') }}

)

select
    candidates.candidate_id,
    nullif(concat_ws(
        ',',
        candidates.exclusion_reasons,
        outside_markets.reason,
        without_content.reason,
        unreachable.reason,
        without_consent.reason,
        suppressed.reason,
        re_entering.reason
    ), '') as reasons
from candidates
left join outside_markets
    on candidates.candidate_id = outside_markets.candidate_id
left join without_content
    on candidates.candidate_id = without_content.candidate_id
left join unreachable
    on candidates.candidate_id = unreachable.candidate_id
left join without_consent
    on candidates.candidate_id = without_consent.candidate_id
left join suppressed
    on candidates.candidate_id = suppressed.candidate_id
left join re_entering
    on candidates.candidate_id = re_entering.candidate_id
