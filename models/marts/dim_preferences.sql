with preference_changes as (

    select
        customer_id,
        preference,
        preference_value,
        valid_from
    from {{ ref('fct_preference_changes') }}
    where is_current

)

select
    customer_id,
    preference,
    preference_value,
    valid_from as stated_at
from preference_changes
