-- What destinations refused, of all that was asked of them and answered or may have been taken, by what the refusal was
-- about. A class without a refusal has no row; `none` holds what was not refused.
with receipts as (

    select
        message_id,
        run_id,
        state,
        reason
    from {{ ref('stg_ledger__receipts') }}
    where state in ('accepted', 'in_doubt', 'refused')

),

assignments as (

    select
        message_id,
        run_id,
        destination
    from {{ ref('stg_ledger__decisions') }}

),

membership_receipts as (

    select
        destination,
        state,
        reason
    from {{ ref('stg_ledger__membership_receipts') }}
    where state in ('accepted', 'in_doubt', 'refused')

),

refusal_classes as (

    select
        pattern,
        refusal_class,
        priority
    from {{ ref('refusal_classes') }}

),

requests as (

    select
        coalesce(assignments.destination, 'unknown') as destination,
        'message' as kind,
        receipts.state,
        case when receipts.state = 'refused' then lower(coalesce(receipts.reason, '')) end as reason
    from receipts
    left join assignments
        on
            receipts.message_id = assignments.message_id
            and receipts.run_id = assignments.run_id

    union all

    select
        destination,
        'membership' as kind,
        state,
        case when state = 'refused' then lower(coalesce(reason, '')) end as reason
    from membership_receipts

),

reasons_classed as (

    select
        reasons.reason,
        coalesce(min_by(refusal_classes.refusal_class, refusal_classes.priority), 'other') as refusal_class
    from (
        select distinct reason
        from requests
        where reason is not null
    ) as reasons
    left join refusal_classes
        on reasons.reason like refusal_classes.pattern
    group by reasons.reason

),

requests_counted as (

    select
        requests.destination,
        requests.kind,
        coalesce(reasons_classed.refusal_class, 'none') as refusal_class,
        count(*) as requests
    from requests
    left join reasons_classed
        on requests.reason = reasons_classed.reason
    group by requests.destination, requests.kind, coalesce(reasons_classed.refusal_class, 'none')

)

select
    destination,
    kind,
    refusal_class,
    cast(requests as bigint) as requests,
    cast(sum(requests) over (partition by destination, kind) as bigint) as all_requests,
    {{ share_of('requests', 'sum(requests) over (partition by destination, kind)') }} as request_share
from requests_counted
