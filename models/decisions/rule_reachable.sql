-- Rule 2. Fails where the customer has no usable address on the campaign's channel.
with candidates as (

    select
        candidate_id,
        customer_id,
        channel
    from {{ ref('decision_candidates') }}

),

addresses as (

    select
        customer_id,
        channel
    from {{ ref('decision_addresses') }}

)

select
    candidates.candidate_id,
    'unreachable' as reason
from candidates
left join addresses
    on
        candidates.customer_id = addresses.customer_id
        and candidates.channel = addresses.channel
where addresses.customer_id is null
