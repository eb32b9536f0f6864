-- Rules 1 to 5 together: the reasons for which each candidate fails, in the fixed order.
with candidates as (

    select
        message_id,
        exclusion_reasons
    from {{ ref('decision_candidates') }}

),

unreachable as (

    select
        message_id,
        reason
    from {{ ref('rule_reachable') }}

),

without_consent as (

    select
        message_id,
        reason
    from {{ ref('rule_consent') }}

),

suppressed as (

    select
        message_id,
        reason
    from {{ ref('rule_suppression') }}

),

re_entering as (

    select
        message_id,
        reason
    from {{ ref('rule_re_entry') }}

)

select
    candidates.message_id,
    nullif(concat_ws(
        ',',
        candidates.exclusion_reasons,
        unreachable.reason,
        without_consent.reason,
        suppressed.reason,
        re_entering.reason
    ), '') as reasons
from candidates
left join unreachable
    on candidates.message_id = unreachable.message_id
left join without_consent
    on candidates.message_id = without_consent.message_id
left join suppressed
    on candidates.message_id = suppressed.message_id
left join re_entering
    on candidates.message_id = re_entering.message_id
