-- What became of each change of a set, with what the platform told later of its job. A change whose job failed was
-- accepted and may still have come to nothing: nobody knows, so it is in doubt. What failed for some only stays
-- accepted: those whom a platform cannot place would be sent again for ever.
with receipts as (

    select
        change_id,
        run_id,
        campaign,
        destination,
        audience,
        customer_id,
        operation,
        email,
        phone,
        external_id,
        state,
        provider_id,
        attempted_at,
        known_at
    from {{ ref('stg_ledger__membership_receipts') }}

),

failed_jobs as (

    select
        destination,
        provider_id
    from {{ ref('stg_provider__set_jobs') }}
    where state = 'failed' and provider_id is not null
    group by destination, provider_id

)

select
    receipts.change_id,
    receipts.run_id,
    receipts.campaign,
    receipts.destination,
    receipts.audience,
    receipts.customer_id,
    receipts.operation,
    receipts.email,
    receipts.phone,
    receipts.external_id,
    case
        when receipts.state = 'accepted' and failed_jobs.provider_id is not null then 'in_doubt'
        else receipts.state
    end as state,
    receipts.attempted_at,
    receipts.known_at
from receipts
left join failed_jobs
    on
        receipts.destination = failed_jobs.destination
        and receipts.provider_id = failed_jobs.provider_id
