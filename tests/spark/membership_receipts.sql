-- What became of the first run: states that a later run counts differently, and some without a receipt.
select
    run_id,
    as_of,
    as_of + interval 1 day as known_at,
    change_id,
    campaign,
    slot,
    audience,
    destination,
    customer_id,
    operation,
    email,
    phone,
    external_id,
    case position % 5 when 2 then 'in_doubt' when 3 then 'refused' else 'accepted' end as state,
    null as reason,
    'request-' || position as request_id,
    null as provider_id,
    as_of as attempted_at
from read_parquet(?)
where position % 5 <> 4
order by position
