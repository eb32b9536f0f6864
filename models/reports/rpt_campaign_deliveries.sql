-- What became of the messages of each campaign and slot, as far as the ledger knows.
with receipts as (

    select
        campaign,
        slot,
        channel,
        state
    from {{ ref('stg_ledger__receipts') }}

)

select
    campaign,
    slot,
    channel,
    cast(count(*) as bigint) as messages,
    cast(sum(case when state = 'accepted' then 1 else 0 end) as bigint) as accepted,
    cast(sum(case when state = 'in_doubt' then 1 else 0 end) as bigint) as in_doubt,
    cast(sum(case when state = 'refused' then 1 else 0 end) as bigint) as refused,
    cast(sum(case when state in ('excluded', 'expired', 'held') then 1 else 0 end) as bigint) as not_attempted
from receipts
group by campaign, slot, channel
