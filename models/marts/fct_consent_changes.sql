with states as (

    select
        customer_id,
        channel,
        purpose,
        state,
        basis,
        proof,
        valid_from
    from {{ ref('int_consent_states_dated') }}

),

states_compared as (

    select
        *,
        lag(state) over (
            partition by customer_id, channel, purpose
            order by valid_from asc nulls last
        ) as previous_state,
        lag(basis) over (
            partition by customer_id, channel, purpose
            order by valid_from asc nulls last
        ) as previous_basis,
        lag(proof) over (
            partition by customer_id, channel, purpose
            order by valid_from asc nulls last
        ) as previous_proof
    from states

),

changes as (

    select
        customer_id,
        channel,
        purpose,
        state,
        basis,
        proof,
        valid_from
    from states_compared
    where
        previous_state is null
        or previous_state <> state
        or coalesce(previous_basis, '') <> coalesce(basis, '')
        or coalesce(previous_proof, '') <> coalesce(proof, '')

),

changes_closed as (

    select
        *,
        lead(valid_from) over (
            partition by customer_id, channel, purpose
            order by valid_from asc nulls last
        ) as valid_to
    from changes

)

select
    customer_id,
    channel,
    purpose,
    state,
    basis,
    proof,
    valid_to is null as is_current,
    valid_from,
    valid_to
from changes_closed
